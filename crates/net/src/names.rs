//! Values by DNS name, with names that stand for all names below them.
//!
//! Invariant: a look-up costs one hash look-up for each label of the name at most, however many names there are. Pure.
//! Used by `certificates`.

use ahash::AHashMap;

/// Values by name, in lower case. `*.example.org` stands for every name below `example.org`; the most specific name wins.
#[derive(Clone, Debug)]
pub(crate) struct Names<T> {
    exact: AHashMap<Box<str>, T>,
    /// Keyed by what follows `*.`.
    below: AHashMap<Box<str>, T>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { exact: AHashMap::new(), below: AHashMap::new() }
    }
}

impl<T> Names<T> {
    /// Of two values for the same name the first stays.
    pub(crate) fn add(&mut self, name: &str, value: T) {
        let (names, name) = match name.strip_prefix("*.") {
            Some(parent) => (&mut self.below, parent),
            None => (&mut self.exact, name),
        };
        names.entry(name.into()).or_insert(value);
    }

    /// By the name itself, or by the nearest wildcard above it.
    pub(crate) fn find(&self, name: &str) -> Option<&T> {
        let name = without_root(name);
        self.exact.get(name).or_else(|| {
            let mut parents = std::iter::successors(parent(name), |name| parent(name));
            (!self.below.is_empty()).then(|| parents.find_map(|parent| self.below.get(parent))).flatten()
        })
    }
}

fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, parent)| parent)
}

fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_name_wins() {
        let mut names = Names::default();
        for name in ["example.com", "www.example.com", "*.example.com", "*.img.example.com", "*.com"] {
            names.add(name, name);
        }
        for (asked, expected) in [
            ("www.example.com", "www.example.com"),
            ("www.example.com.", "www.example.com"),
            ("a.example.com", "*.example.com"),
            ("a.b.example.com", "*.example.com"),
            ("a.img.example.com", "*.img.example.com"),
            ("img.example.com", "*.example.com"),
            ("example.com", "example.com"),
            ("other.com", "*.com"),
            ("com", ""),
            ("", ""),
            (".", ""),
        ] {
            assert_eq!(names.find(asked).copied().unwrap_or_default(), expected, "{asked}");
        }
    }

    #[test]
    fn a_hundred_thousand_names_are_told_apart() {
        let mut names = Names::default();
        let name = |number: usize| match number % 2 {
            0 => format!("www.site-{number}.example"),
            _ => format!("*.site-{number}.example"),
        };
        (0..100_000).for_each(|number| names.add(&name(number), number));
        for number in 0..100_000 {
            assert_eq!(names.find(&name(number).replace('*', "any")), Some(&number));
        }
        assert_eq!(names.find("www.site-100000.example"), None);
    }

    #[test]
    fn of_two_values_for_a_name_the_first_stays() {
        let mut names = Names::default();
        names.add("a.example", 1);
        names.add("a.example", 2);
        assert_eq!(names.find("a.example"), Some(&1));
    }
}
