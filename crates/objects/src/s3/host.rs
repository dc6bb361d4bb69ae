//! Which bucket a host name means.

use s3s::S3Result;
use s3s::host::{S3Host, VirtualHost};
use s3s::path::check_bucket_name;
use s3s::validation::NameValidation;

/// `bucket.DOMAIN` is virtual-host style, every other host path-style: a server is reached by names and addresses that
/// it cannot know, and docks use path-style.
pub(super) struct Hosts {
    /// `.domain`, lower case.
    suffixes: Vec<String>,
}

impl Hosts {
    pub(super) fn new(domains: Vec<String>) -> Self {
        Self { suffixes: domains.iter().map(|domain| format!(".{}", domain.to_ascii_lowercase())).collect() }
    }
}

impl S3Host for Hosts {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            _ => host,
        };
        let name = name.to_ascii_lowercase();
        let bucket = self.suffixes.iter().find_map(|suffix| name.strip_suffix(suffix.as_str()));
        Ok(match bucket {
            Some(bucket) if !bucket.is_empty() => VirtualHost::new(host).with_bucket(bucket.to_owned()),
            _ => VirtualHost::new(host),
        })
    }
}

/// Names that are bucket names wherever they go: S3's rules, and no label that begins or ends with a hyphen, which no
/// host name may have.
pub(super) struct BucketNames;

impl NameValidation for BucketNames {
    fn validate_bucket_name(&self, name: &str) -> bool {
        check_bucket_name(name) && !name.contains("-.") && !name.contains(".-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_below_a_domain_are_buckets() {
        let hosts = Hosts::new(vec!["S3.example.org".into()]);
        let bucket = |host: &str| hosts.parse_host_header(host).unwrap().bucket().map(str::to_owned);
        assert_eq!(bucket("ws-1.s3.example.org:9000").as_deref(), Some("ws-1"));
        assert_eq!(bucket("WS-1.S3.EXAMPLE.ORG").as_deref(), Some("ws-1"));
        for path_style in ["s3.example.org", ".s3.example.org", "xs3.example.org", "10.0.0.7:9000", "a.b.c", "[::1]:9"]
        {
            assert_eq!(bucket(path_style), None, "{path_style}");
        }
    }
}
