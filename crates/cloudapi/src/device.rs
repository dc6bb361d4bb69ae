//! Devices by their model key, `domain-type-subtype` (overview page "Product support"; newer ones from third parties).
//!
//! A key that is not in the table is certain to come with the next product: it is kept as text and never refused.

use std::fmt;
use std::str::FromStr;

/// `domain-type-subtype`. Domains: 0 aircraft, 1 payload, 2 remote controller, 3 dock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModelKey {
    pub domain: i64,
    pub device_type: i64,
    pub sub_type: i64,
}

/// Not three numbers with dashes between; other makers' keys have two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a model key is three numbers, domain-type-subtype")]
pub struct BadModelKey;

impl FromStr for ModelKey {
    type Err = BadModelKey;

    fn from_str(text: &str) -> Result<Self, BadModelKey> {
        let mut parts = text.splitn(3, '-').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| digits).ok_or(BadModelKey)
        });
        let mut next = || parts.next().unwrap_or(Err(BadModelKey));
        Ok(Self { domain: next()?, device_type: next()?, sub_type: next()? })
    }
}

impl fmt::Display for ModelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.device_type, self.sub_type)
    }
}

impl ModelKey {
    /// The product's name. `None`: not one we know.
    pub fn name(self) -> Option<&'static str> {
        Some(match (self.domain, self.device_type, self.sub_type) {
            (0, 60, 0) => "Matrice 300 RTK",
            (0, 67, 0) => "Matrice 30",
            (0, 67, 1) => "Matrice 30T",
            (0, 77, 0) => "Mavic 3E",
            (0, 77, 1) => "Mavic 3T",
            (0, 77, 2) => "Mavic 3M",
            (0, 77, 3) => "Mavic 3TA",
            (0, 89, 0) => "Matrice 350 RTK",
            (0, 91, 0) => "Matrice 3D",
            (0, 91, 1) => "Matrice 3TD",
            (0, 99, 0) => "Matrice 4E",
            (0, 99, 1) => "Matrice 4T",
            (0, 100, 0) => "Matrice 4D",
            (0, 100, 1) => "Matrice 4TD",
            (0, 103, 0) => "Matrice 400",
            (1, 20, 0) => "Zenmuse Z30",
            (1, 26, 0) => "Zenmuse XT2",
            (1, 39, 0) => "FPV camera",
            (1, 41, 0) => "Zenmuse XT S",
            (1, 42, 0) => "Zenmuse H20",
            (1, 43, 0) => "Zenmuse H20T",
            (1, 52, 0) => "Matrice 30 camera",
            (1, 53, 0) => "Matrice 30T camera",
            (1, 61, 0) => "Zenmuse H20N",
            (1, 66, 0) => "Mavic 3E camera",
            (1, 67, 0) => "Mavic 3T camera",
            (1, 68, 0) => "Mavic 3M camera",
            (1, 80, 0) => "Matrice 3D camera",
            (1, 81, 0) => "Matrice 3TD camera",
            (1, 98, 0) => "Matrice 4D camera",
            (1, 99, 0) => "Matrice 4TD camera",
            (1, 165, 0) => "Dock camera",
            (2, 56, 0) => "Smart Controller",
            (2, 119, 0) => "RC Plus",
            (2, 144, 0) => "RC Pro",
            (3, 1, 0) => "Dock",
            (3, 2, 0) => "Dock 2",
            (3, 3, 0) => "Dock 3",
            _ => return None,
        })
    }
}

/// The name of the product that `key` stands for. `None` for keys that are not known and for what is no key.
pub fn model_name(key: &str) -> Option<&'static str> {
    key.parse::<ModelKey>().ok()?.name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_three_numbers() {
        let key: ModelKey = "0-91-1".parse().unwrap();
        assert_eq!(key, ModelKey { domain: 0, device_type: 91, sub_type: 1 });
        assert_eq!(key.to_string(), "0-91-1");
        for text in ["", "0", "0-4", "0-4-", "-1-2-3", "a-b-c", "0-91-1-0", "+0-91-1", "0-91-99999999999999999999"] {
            assert_eq!(text.parse::<ModelKey>(), Err(BadModelKey), "{text}");
        }
    }

    #[test]
    fn known_products_have_names_and_others_none() {
        assert_eq!(model_name("3-3-0"), Some("Dock 3"));
        assert_eq!(model_name("1-81-0"), Some("Matrice 3TD camera"));
        assert_eq!(model_name("0-999-0"), None);
        assert_eq!(model_name("0-4"), None);
    }
}
