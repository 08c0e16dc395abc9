//! What a document does to a plan.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use super::Plan;
use crate::check::Rejected;
use crate::origin_groups::Target;
use crate::types::{InvalidationOrder, IpAddressType};

fn distribution(domain_name: &str, aliases: &[&str]) -> Value {
    json!({
        "arn": "arn:aws:cloudfront::123456789012:distribution/E1", "domain_name": domain_name, "aliases": aliases,
        "enabled": true, "certificate": null, "default_root_object": "", "http2": true, "http3": false,
        "origins": {"site": {
            "kind": "custom", "domain_name": "Origin.example.com", "path": "", "protocol": "http-only",
            "http_port": 80, "https_port": 443, "headers": [["X-A", "b"]], "connection_attempts": 3,
            "connection_timeout": 10, "response_timeout": 30, "keepalive_timeout": 5, "signing": null}},
        "error_responses": [{"status": 404, "min_ttl": 10, "page": null}],
        "behaviors": [{
            "path_pattern": "*", "origin": "site", "viewer_protocol": "allow-all",
            "allowed_methods": ["GET", "HEAD"], "cached_methods": ["GET", "HEAD"],
            "compress": true,
            "cache": {"min_ttl": 0, "default_ttl": 60, "max_ttl": 600, "gzip": true, "brotli": true,
                "rules": "cloudfront",
                "headers": {"mode": "none", "names": []}, "cookies": {"mode": "none", "names": []},
                "query_strings": {"mode": "all", "names": []}}}],
    })
}

fn group(id: &str, primary: &str, secondary: &str, status: u16) -> Value {
    json!({id: {"primary": primary, "secondary": secondary, "statuses": [status]}})
}

fn document(sequence: u64, base: Option<u64>, distributions: Value) -> Vec<u8> {
    json!({"format": 1, "sequence": sequence, "base": base, "default_certificate": null, "distributions": distributions})
        .to_string()
        .into_bytes()
}

#[test]
fn a_host_finds_its_distribution_by_domain_name_and_by_the_most_specific_alias() {
    let plan = Plan::default()
        .apply(&document(
            1,
            None,
            json!({
                "E1": distribution("d1.cloudfront.localhost", &["www.example.com"]),
                "E2": distribution("d2.cloudfront.localhost", &["*.example.com"]),
                "E3": distribution("d3.cloudfront.localhost", &["*.deep.example.com"]),
            }),
        ))
        .unwrap();
    for (host, expected) in [
        ("d1.cloudfront.localhost", Some("E1")),
        ("www.example.com", Some("E1")),
        ("api.example.com", Some("E2")),
        ("a.b.example.com", Some("E2")),
        ("a.deep.example.com", Some("E3")),
        ("example.com", None),
        ("unknown.test", None),
    ] {
        assert_eq!(plan.distribution_for(host).map(|found| &*found.id), expected, "{host}");
    }
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    let one = Plan::default().apply(&document(1, None, json!({"E1": distribution("d1.test", &["a.test"])}))).unwrap();
    let two = one.apply(&document(2, Some(1), json!({"E2": distribution("d2.test", &[])}))).unwrap();
    assert!(two.distribution_for("d1.test").is_some() && two.distribution_for("d2.test").is_some());
    let three = two.apply(&document(3, Some(2), json!({"E1": null}))).unwrap();
    assert!(three.distribution_for("d1.test").is_none() && three.distribution_for("a.test").is_none());
    assert!(two.distribution_for("a.test").is_some(), "the plan before is untouched");
}

#[test]
fn an_alias_that_moves_in_one_change_belongs_to_its_new_distribution() {
    let whole = json!({"E1": distribution("d1.test", &[]), "E2": distribution("d2.test", &["a.test"])});
    let one = Plan::default().apply(&document(1, None, whole)).unwrap();
    let moved = json!({"E1": distribution("d1.test", &["a.test"]), "E2": distribution("d2.test", &[])});
    let two = one.apply(&document(2, Some(1), moved)).unwrap();
    assert_eq!(two.distribution_for("a.test").map(|found| &*found.id), Some("E1"));
}

#[test]
fn a_change_on_another_base_is_rejected() {
    let one = Plan::default().apply(&document(1, None, json!({}))).unwrap();
    let refused = one.apply(&document(9, Some(8), json!({}))).unwrap_err();
    assert_eq!(refused, Rejected::Base { base: 8, current: 1 });
    let refused = one.apply(&document(1, Some(1), json!({}))).unwrap_err();
    assert_eq!(refused, Rejected::Sequence { sequence: 1, current: 1 });
}

#[test]
fn what_contradicts_itself_is_rejected_with_the_reason() {
    type Edit = fn(&mut Value);
    let cases: [(&str, Edit); 12] = [
        ("no origin", |d| d["behaviors"][0]["origin"] = json!("nowhere")),
        ("path pattern *", |d| d["behaviors"] = json!([])),
        ("no method", |d| d["behaviors"][0]["allowed_methods"] = json!(["BREW"])),
        ("min_ttl", |d| d["behaviors"][0]["cache"]["min_ttl"] = json!(601)),
        ("none or whitelist", |d| d["behaviors"][0]["cache"]["headers"]["mode"] = json!("all")),
        ("malformed", |d| d["origins"]["site"]["headers"] = json!([["bad name", "x"]])),
        ("starts with /", |d| d["origins"]["site"]["path"] = json!("x")),
        ("at least one", |d| d["origins"]["site"]["connection_attempts"] = json!(0)),
        ("no origin \"gone\"", |d| d["origin_groups"] = group("both", "site", "gone", 500)),
        ("two different", |d| d["origin_groups"] = group("both", "site", "site", 500)),
        ("an origin has this id", |d| d["origin_groups"] = group("site", "site", "spare", 500)),
        ("no status of an error", |d| d["origin_groups"] = group("both", "site", "spare", 200)),
    ];
    for (reason, edit) in cases {
        let mut wrong = distribution("d1.test", &[]);
        wrong["origins"]["spare"] = wrong["origins"]["site"].clone();
        edit(&mut wrong);
        let rejected = Plan::default().apply(&document(1, None, json!({"E1": wrong}))).unwrap_err().to_string();
        assert!(rejected.contains(reason), "{reason}: {rejected}");
    }
}

#[test]
fn a_behavior_targets_an_origin_or_a_group_of_two() {
    let mut grouped = distribution("d1.test", &[]);
    grouped["origins"]["spare"] = grouped["origins"]["site"].clone();
    grouped["origin_groups"] = group("both", "site", "spare", 503);
    let mut to_group = grouped["behaviors"][0].clone();
    to_group["origin"] = json!("both");
    to_group["path_pattern"] = json!("/a");
    grouped["behaviors"].as_array_mut().unwrap().insert(0, to_group);
    let plan = Plan::default().apply(&document(1, None, json!({"E1": grouped}))).unwrap();
    let target = |path| plan.distribution_for("d1.test").unwrap().behavior(path).unwrap().target.clone();
    assert!(matches!(target("/b"), Target::Origin(origin) if origin.id == "site"));
    let Target::Group(both) = target("/a") else { panic!("no group") };
    assert_eq!((both.id.as_str(), both.primary.id.as_str(), both.secondary.id.as_str()), ("both", "site", "spare"));
    assert!(both.lists(StatusCode::SERVICE_UNAVAILABLE) && !both.lists(StatusCode::BAD_GATEWAY));
}

#[test]
fn an_unknown_field_or_format_is_rejected() {
    let mut newer = distribution("d1.test", &[]);
    newer["webgl"] = json!(true);
    let rejected = Plan::default().apply(&document(1, None, json!({"E1": newer}))).unwrap_err();
    assert!(matches!(rejected, Rejected::Unreadable(reason) if reason.contains("distributions.E1.webgl")));
    let format = br#"{"format":2,"sequence":1,"base":null,"default_certificate":null,"distributions":{}}"#;
    assert_eq!(Plan::default().apply(format).unwrap_err(), Rejected::Format { found: 2, known: 1 });
    assert!(matches!(Plan::default().apply(b"\xff{"), Err(Rejected::Unreadable(_))));
}

#[test]
fn an_invalidation_order_holds_paths_and_tags() {
    let order = br##"{"format":1,"distribution":"E1","sequence":3,"patterns":["/a","/b/*","#cache-tag:a:b"]}"##;
    assert_eq!(InvalidationOrder::parse(order).unwrap().patterns, ["/a", "/b/*", "#cache-tag:a:b"]);
    for pattern in ["a", "#tag", "#:tag", "#cache-tag:", ""] {
        let wrong = json!({"format": 1, "distribution": "E1", "sequence": 3, "patterns": [pattern]}).to_string();
        assert_eq!(InvalidationOrder::parse(wrong.as_bytes()).unwrap_err(), Rejected::Pattern(pattern.to_owned()));
    }
}

// RFC 9111 section 4
#[test]
fn all_seven_methods_stand_for_every_method_where_rfc9111_rules() {
    let all = json!(["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]);
    for (rules, methods, method, allowed) in [
        ("rfc9111", &all, "M-SEARCH", true),
        ("rfc9111", &all, "TRACE", false),
        ("rfc9111", &json!(["GET", "HEAD"]), "M-SEARCH", false),
        ("rfc9111", &json!(["GET", "HEAD"]), "GET", true),
        ("cloudfront", &all, "M-SEARCH", false),
        ("cloudfront", &all, "PATCH", true),
    ] {
        let mut document_of_one = distribution("d1.test", &[]);
        document_of_one["behaviors"][0]["cache"]["rules"] = json!(rules);
        document_of_one["behaviors"][0]["allowed_methods"] = methods.clone();
        let plan = Plan::default().apply(&document(1, None, json!({"E1": document_of_one}))).unwrap();
        let behavior = plan.distribution_for("d1.test").unwrap().behavior("/").unwrap().clone();
        let method = http::Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(behavior.allows(&method), allowed, "{rules} {methods} {method}");
    }
}

#[test]
fn members_of_an_origin_that_came_later_may_be_absent() {
    let with = |members: Value| {
        let mut found = distribution("d1.cloudfront.localhost", &[]);
        for (name, value) in members.as_object().unwrap() {
            found["origins"]["site"][name] = value.clone();
        }
        Plan::default().apply(&document(1, None, json!({ "E1": found })))
    };
    let plan = with(json!({})).unwrap();
    let origin = plan.distribution("E1").unwrap().origins().next().unwrap();
    assert_eq!(origin.ip_address_type, IpAddressType::Dualstack);
    assert_eq!((origin.response_completion_timeout, &origin.client_certificate), (None, &None));
    let plan = with(json!({
        "ip_address_type": "ipv6", "response_completion_timeout": 7,
        "client_certificate": {"chain_pem": "chain", "key_pem": "key"},
    }))
    .unwrap();
    let origin = plan.distribution("E1").unwrap().origins().next().unwrap();
    assert_eq!(origin.ip_address_type, IpAddressType::Ipv6);
    assert_eq!(origin.response_completion_timeout, Some(Duration::from_secs(7)));
    assert_eq!(origin.client_certificate.as_ref().unwrap().chain_pem, "chain");
    assert!(with(json!({"ip_address_type": "ipv5"})).is_err());
}

#[test]
fn a_distribution_that_asks_for_certificates_is_reached_over_tls_on_tcp_alone() {
    type Edit = fn(&mut Value);
    let cases: [(Option<&str>, Edit); 5] = [
        (None, |_| {}),
        (None, |d| d["behaviors"][0]["viewer_protocol"] = json!("redirect-to-https")),
        (Some("HTTP/3"), |d| d["http3"] = json!(true)),
        (Some("behavior * allows http"), |d| d["behaviors"][0]["viewer_protocol"] = json!("allow-all")),
        (Some("trust store"), |d| d["viewer_mtls"] = json!({"mode": "required"})),
    ];
    for (reason, edit) in cases {
        let mut asking = distribution("d1.test", &[]);
        asking["behaviors"][0]["viewer_protocol"] = json!("https-only");
        asking["viewer_mtls"] = json!({"mode": "passthrough"});
        edit(&mut asking);
        let applied = Plan::default().apply(&document(1, None, json!({"E1": asking})));
        let rejected = applied.err().map(|rejected| rejected.to_string());
        assert_eq!(rejected.is_some(), reason.is_some(), "{rejected:?}");
        assert!(rejected.unwrap_or_default().contains(reason.unwrap_or_default()), "{reason:?}");
    }
}
