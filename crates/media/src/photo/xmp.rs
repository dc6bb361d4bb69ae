//! XMP packets: simple properties, written as attributes (as cameras do) or as elements (as tools rewrite them).

use std::collections::BTreeMap;

use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};

const MAX_PROPERTIES: usize = 1_024;
const MAX_VALUE_CHARS: usize = 4_096;
const MAX_DEPTH: usize = 32;
const MAX_EVENTS: usize = 100_000;

/// Namespaces whose properties are kept, and the prefix they get, whatever the file calls them.
const NAMESPACES: [(&str, &str); 7] = [
    ("http://www.dji.com/drone-dji/1.0/", "drone-dji"),
    // the Zenmuse XT S: the same names under another roof
    ("http://www.dji.com", "drone-dji"),
    ("http://ns.google.com/photos/1.0/panorama/", "GPano"),
    ("http://ns.adobe.com/xap/1.0/", "xmp"),
    ("http://ns.adobe.com/tiff/1.0/", "tiff"),
    ("http://ns.adobe.com/exif/1.0/", "exif"),
    ("http://pix4d.com/camera/1.0", "Camera"),
];

/// Properties by prefix and name: `drone-dji:GpsLatitude`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Xmp {
    properties: BTreeMap<String, String>,
    pub(crate) warnings: Vec<String>,
}

impl Xmp {
    /// A property that is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// DJI's own property.
    pub(crate) fn dji(&self, name: &str) -> Option<&str> {
        self.text(&format!("drone-dji:{name}"))
    }

    /// DJI's own property as a number: `+12.5`, ` -0.00 `, `12.5m` is none.
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        let text = self.dji(name)?.trim();
        text.strip_prefix('+').unwrap_or(text).parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Takes what another packet of the same file says beside this one.
    pub(crate) fn absorb(&mut self, other: Self) {
        for (name, value) in other.properties {
            let kept = self.properties.entry(name).or_default();
            if kept.is_empty() {
                *kept = value;
            }
        }
        self.warnings.extend(other.warnings);
    }

    fn keep(&mut self, prefix: &'static str, local: &[u8], value: &str) {
        if self.properties.len() >= MAX_PROPERTIES {
            return;
        }
        let name = format!("{prefix}:{}", String::from_utf8_lossy(local));
        let value = value.trim().chars().take(MAX_VALUE_CHARS).collect();
        // the first one that says something counts
        let kept = self.properties.entry(name).or_default();
        if kept.is_empty() {
            *kept = value;
        }
    }
}

/// Reads a packet. What comes before damage is kept.
pub(crate) fn read(packet: &[u8]) -> Xmp {
    let mut xmp = Xmp::default();
    let text = String::from_utf8_lossy(packet);
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\0');
    let mut reader = NsReader::from_str(text);
    reader.config_mut().check_end_names = false;
    // the elements that are open, with what the innermost one says
    let mut open: Vec<Open> = Vec::new();
    for _ in 0..MAX_EVENTS {
        match reader.read_resolved_event() {
            Ok((namespace, event)) => match event {
                Event::Start(element) | Event::Empty(element) if open.len() >= MAX_DEPTH => {
                    drop(element);
                    let _ = namespace;
                    xmp.warnings.push("the XMP is nested too deep: its rest was not read".into());
                    return xmp;
                }
                Event::Start(element) => {
                    let prefix = prefix_of(&namespace);
                    let local = element.local_name().as_ref().to_vec();
                    attributes(&reader, &element, &mut xmp);
                    open.push(Open { prefix, local, said: String::new() });
                }
                Event::Empty(element) => attributes(&reader, &element, &mut xmp),
                Event::Text(piece) => say(&mut open, piece.decode().ok().as_deref()),
                Event::CData(piece) => say(&mut open, piece.decode().ok().as_deref()),
                Event::GeneralRef(reference) => {
                    let number = reference.resolve_char_ref().ok().flatten().map(String::from);
                    let named = || quick_xml::escape::resolve_predefined_entity(&reference.decode().ok()?);
                    say(&mut open, number.as_deref().or_else(named));
                }
                Event::End(_) => match open.pop() {
                    Some(Open { said, .. }) if said.trim().is_empty() => {}
                    Some(Open { prefix: Some(prefix), local, said }) => xmp.keep(prefix, &local, &said),
                    // a list has its values in `rdf:li`, which say it for the property around them
                    Some(Open { prefix: None, local, said }) if local == b"li" => {
                        if let Some(property) = open.iter_mut().rev().find(|open| open.prefix.is_some())
                            && property.said.len() < MAX_VALUE_CHARS
                        {
                            property.said.push_str(&format!("{said} "));
                        }
                    }
                    _ => {}
                },
                Event::Eof => return xmp,
                _ => {}
            },
            Err(error) => {
                // what is behind the last element is padding
                let whole = open.is_empty() && !xmp.properties.is_empty();
                xmp.warnings.extend((!whole).then(|| format!("the XMP is damaged: {error}")));
                return xmp;
            }
        }
    }
    xmp.warnings.push("the XMP is too long: its rest was not read".into());
    xmp
}

/// An element that is not closed yet.
struct Open {
    /// Ours for its namespace, when it is one that is kept.
    prefix: Option<&'static str>,
    local: Vec<u8>,
    said: String,
}

fn say(open: &mut [Open], piece: Option<&str>) {
    if let (Some(open), Some(piece)) = (open.last_mut(), piece)
        && open.said.len() < MAX_VALUE_CHARS
    {
        open.said.push_str(piece);
    }
}

/// Our prefix for a namespace; a prefix that the packet uses without declaring it counts as the usual one.
fn prefix_of(namespace: &ResolveResult<'_>) -> Option<&'static str> {
    let without_slash = |uri: &'_ [u8]| uri.strip_suffix(b"/").unwrap_or(uri).to_vec();
    let known = match namespace {
        ResolveResult::Bound(namespace) => {
            let uri = without_slash(namespace.as_ref());
            NAMESPACES.iter().find(|(known, _)| without_slash(known.as_bytes()) == uri)
        }
        ResolveResult::Unknown(prefix) => NAMESPACES.iter().find(|(_, known)| known.as_bytes() == prefix),
        ResolveResult::Unbound => None,
    };
    known.map(|(_, prefix)| *prefix)
}

fn attributes(reader: &NsReader<&[u8]>, element: &quick_xml::events::BytesStart<'_>, xmp: &mut Xmp) {
    for attribute in element.attributes().with_checks(false).flatten() {
        let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
        let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else { continue };
        if let Some(prefix) = prefix_of(&namespace) {
            xmp.keep(prefix, local.as_ref(), &value);
        }
    }
}
