//! What the viewer's device is, by its User-Agent.
//!
//! The `ua-parser` project's regular expressions tell operating system and device; the class follows from them by a few
//! rules of our own. Invariant: every User-Agent has an answer, desktop where nothing else is known, as CloudFront's
//! guide leaves it. Compiled when the first plan asks; every worker remembers what it has seen.

use std::fmt::{self, Debug, Formatter};
use std::sync::OnceLock;

use ahash::AHashMap;
use edgeward_plan::DeviceFact;
use http::{HeaderMap, HeaderValue, header};
use parking_lot::Mutex;
use serde::Deserialize;
use ua_parser::{device, os};

/// Bytes of a User-Agent that are looked at; what browsers send has some 200.
const LONGEST_LOOKED_AT: usize = 1_024;
/// User-Agents that a worker remembers, twice: the recent ones and those before them.
const REMEMBERED: usize = 1_024;

/// The `ua-parser` project's regular expressions, in its own form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserAgentRegexes {
    os_parsers: Vec<os::Parser<'static>>,
    device_parsers: Vec<device::Parser<'static>>,
}

impl Debug for UserAgentRegexes {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("UserAgentRegexes").field("devices", &self.device_parsers.len()).finish_non_exhaustive()
    }
}

/// Tells devices apart, from the first plan that asks for it on.
pub(crate) struct DeviceRules {
    regexes: Mutex<Option<UserAgentRegexes>>,
    compiled: OnceLock<Result<Compiled, String>>,
}

struct Compiled {
    systems: os::Extractor<'static>,
    devices: device::Extractor<'static>,
}

impl DeviceRules {
    pub(crate) fn new(regexes: Option<UserAgentRegexes>) -> DeviceRules {
        DeviceRules { regexes: Mutex::new(regexes), compiled: OnceLock::new() }
    }

    /// Compiles the regular expressions, once; takes some tenths of a second and 20 MB.
    ///
    /// # Errors
    /// Why devices cannot be told apart.
    pub(crate) fn prepare(&self) -> Result<(), String> {
        let compile = || match self.regexes.lock().take() {
            Some(regexes) => Compiled::new(regexes),
            None => Err("its settings have no user_agents".to_owned()),
        };
        self.compiled.get_or_init(compile).as_ref().map(drop).map_err(String::clone)
    }

    fn device(&self, user_agent: &str) -> Device {
        match self.compiled.get() {
            Some(Ok(compiled)) => compiled.device(user_agent),
            // No plan asks before `prepare` succeeded.
            _ => Device::default(),
        }
    }
}

impl Compiled {
    fn new(regexes: UserAgentRegexes) -> Result<Compiled, String> {
        let systems = os::Builder::new().push_all(regexes.os_parsers).map_err(|error| error.to_string())?;
        let devices = device::Builder::new().push_all(regexes.device_parsers).map_err(|error| error.to_string())?;
        Ok(Compiled {
            systems: systems.build().map_err(|error| error.to_string())?,
            devices: devices.build().map_err(|error| error.to_string())?,
        })
    }

    fn device(&self, user_agent: &str) -> Device {
        let system = self.systems.extract(user_agent);
        let device = self.devices.extract(user_agent);
        let model = device.as_ref().map(|device| Model {
            family: &device.device,
            brand: device.brand.as_deref().unwrap_or_default(),
            model: device.model.as_deref().unwrap_or_default(),
        });
        Device::of(user_agent, system.as_ref().map_or("", |system| &system.os), model.unwrap_or_default())
    }
}

/// What `ua-parser` says of a device; empty where it does not know.
#[derive(Clone, Copy, Default)]
struct Model<'a> {
    family: &'a str,
    brand: &'a str,
    model: &'a str,
}

/// The classes of a device; several may hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Device {
    is_android: bool,
    is_ios: bool,
    is_mobile: bool,
    is_tablet: bool,
    is_tv: bool,
}

impl Device {
    /// The rules. A TV is nothing else; a tablet whose browser says Mobile is both, as the guide has it for some.
    fn of(user_agent: &str, system: &str, device: Model<'_>) -> Device {
        let says = |words: &[&str]| words.iter().any(|word| user_agent.contains(word));
        let is_android = system == "Android" && !says(&["Windows Phone"]);
        let is_ios = system == "iOS";
        let is_tv = TV_SYSTEMS.contains(&system) || says(&TV_WORDS) || device.brand == "Generic_Inettv";
        // Apps do not say Mobile on either; browsers on tablets leave it out.
        let is_android_tablet = is_android && !says(&["Mobile", "Dalvik"]) && says(&["Safari", "AppleWebKit"]);
        let is_named_tablet =
            TABLET_WORDS.iter().any(|word| device.family.contains(word) || device.model.contains(word));
        let is_tablet = !is_tv && (is_named_tablet || is_android_tablet || TABLET_SYSTEMS.contains(&system));
        let is_phone = is_android || is_ios || PHONE_SYSTEMS.contains(&system) || device.family.contains("Phone");
        let is_mobile = !is_tv && (says(&PHONE_WORDS) || (is_phone && !is_tablet));
        Device { is_android, is_ios, is_mobile, is_tablet, is_tv }
    }

    fn is(self, fact: DeviceFact) -> bool {
        match fact {
            DeviceFact::Android => self.is_android,
            DeviceFact::Desktop => !(self.is_mobile || self.is_tablet || self.is_tv),
            DeviceFact::Ios => self.is_ios,
            DeviceFact::Mobile => self.is_mobile,
            DeviceFact::SmartTv => self.is_tv,
            DeviceFact::Tablet => self.is_tablet,
        }
    }
}

const TV_SYSTEMS: [&str; 6] =
    ["ATV OS X", "Chromecast", "Chromecast Android", "Chromecast Linux", "Chromecast SmartSpeaker", "Roku"];
const TV_WORDS: [&str; 18] = [
    "; AFT",
    "Android TV",
    "AndroidTV",
    "Apple TV",
    "AppleTV",
    "BRAVIA",
    "CrKey",
    "GoogleTV",
    "HbbTV",
    "NetCast",
    "Roku",
    "SMART-TV",
    "Smart TV",
    "SmartTV",
    "Viera",
    "VIDAA",
    "Web0S",
    "Opera TV",
];
const TABLET_SYSTEMS: [&str; 2] = ["BlackBerry Tablet OS", "Kindle"];
const TABLET_WORDS: [&str; 4] = ["iPad", "Tablet", "Kindle", "Playbook"];
const PHONE_SYSTEMS: [&str; 7] =
    ["BlackBerry OS", "Firefox OS", "KaiOS", "Symbian OS", "Symbian^3", "Windows Phone", "Windows Mobile"];
const PHONE_WORDS: [&str; 4] = ["Mobile", "MIDP", "Opera Mini", "Opera Mobi"];

/// The devices that one worker has seen.
#[derive(Default)]
pub(crate) struct KnownDevices(Mutex<Generations>);

/// When the recent ones are too many, they become those before, so that what is seen often stays.
#[derive(Default)]
struct Generations {
    recent: AHashMap<Box<str>, Device>,
    before: AHashMap<Box<str>, Device>,
}

impl KnownDevices {
    /// `true` or `false`.
    pub(super) fn value(&self, fact: DeviceFact, headers: &HeaderMap, rules: &DeviceRules) -> HeaderValue {
        let sent = headers.get(header::USER_AGENT).map_or(&[][..], HeaderValue::as_bytes);
        let text = String::from_utf8_lossy(sent.get(..LONGEST_LOOKED_AT).unwrap_or(sent));
        let device = self.0.lock().recall(&text, rules);
        HeaderValue::from_static(if device.is(fact) { "true" } else { "false" })
    }
}

impl Generations {
    fn recall(&mut self, user_agent: &str, rules: &DeviceRules) -> Device {
        if let Some(device) = self.recent.get(user_agent) {
            return *device;
        }
        let device = self.before.get(user_agent).copied().unwrap_or_else(|| rules.device(user_agent));
        if self.recent.len() == REMEMBERED {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(user_agent.into(), device);
        device
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> DeviceRules {
        DeviceRules::new(Some(
            serde_json::from_str(
                r#"{"os_parsers": [{"regex": "(Android) (\\d+)"}, {"regex": "(iPad); CPU", "os_replacement": "iOS"}],
                    "device_parsers": [{"regex": "(iPad)", "device_replacement": "$1", "brand_replacement": "Apple"}]}"#,
            )
            .unwrap(),
        ))
    }

    #[test]
    fn the_expressions_are_used_once_they_are_compiled() {
        let rules = rules();
        let ipad = "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) Mobile/15E148";
        assert_eq!(rules.device(ipad), Device::default());
        rules.prepare().unwrap();
        rules.prepare().unwrap();
        let tablet = Device { is_ios: true, is_tablet: true, is_mobile: true, ..Device::default() };
        assert_eq!(rules.device(ipad), tablet);
        assert!(rules.device("curl/8.5.0").is(DeviceFact::Desktop));
    }

    #[test]
    fn without_expressions_or_with_a_wrong_one_there_is_a_reason() {
        assert_eq!(DeviceRules::new(None).prepare(), Err("its settings have no user_agents".to_owned()));
        let wrong = r#"{"os_parsers": [{"regex": "("}], "device_parsers": []}"#;
        let rules = DeviceRules::new(Some(serde_json::from_str(wrong).unwrap()));
        assert!(rules.prepare().is_err());
        assert!(rules.prepare().is_err());
    }

    #[test]
    fn no_more_is_remembered_than_two_generations() {
        let (rules, mut known) = (rules(), Generations::default());
        rules.prepare().unwrap();
        for number in 0..5 * REMEMBERED {
            known.recall("often", &rules);
            known.recall(&format!("once {number}"), &rules);
        }
        assert!(known.recent.len() <= REMEMBERED && known.before.len() <= REMEMBERED);
        assert!(known.recent.contains_key("often"));
    }

    #[test]
    fn a_user_agent_that_is_no_text_has_a_class_too() {
        let (rules, known) = (rules(), KnownDevices::default());
        rules.prepare().unwrap();
        for sent in [vec![0xff; 5_000], vec![], b"Android 14 \xc3".to_vec()] {
            let headers = [(header::USER_AGENT, HeaderValue::from_bytes(&sent).unwrap())].into_iter().collect();
            assert_eq!(known.value(DeviceFact::SmartTv, &headers, &rules), "false");
        }
    }
}
