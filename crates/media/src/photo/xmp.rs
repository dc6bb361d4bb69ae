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
const NAMESPACES: [(&str, &str); 6] = [
    ("http://www.dji.com/drone-dji/1.0/", "drone-dji"),
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

    fn put(&mut self, namespace: &ResolveResult<'_>, local: &[u8], value: &str) {
        let ResolveResult::Bound(namespace) = namespace else { return };
        let Some((_, prefix)) = NAMESPACES.iter().find(|(uri, _)| uri.as_bytes() == namespace.as_ref()) else { return };
        if self.properties.len() >= MAX_PROPERTIES {
            return;
        }
        let name = format!("{prefix}:{}", String::from_utf8_lossy(local));
        let value = value.trim().chars().take(MAX_VALUE_CHARS).collect();
        // the first one counts
        self.properties.entry(name).or_insert(value);
    }
}

/// Reads a packet. What comes before damage is kept.
pub(crate) fn read(packet: &[u8]) -> Xmp {
    let mut xmp = Xmp::default();
    let text = String::from_utf8_lossy(packet);
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\0');
    let mut reader = NsReader::from_str(text);
    reader.config_mut().check_end_names = false;
    // names of the elements that are open, with what the innermost one says
    let mut open: Vec<(Option<String>, Vec<u8>, String)> = Vec::new();
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
                    let bound = bound(&namespace);
                    let local = element.local_name().as_ref().to_vec();
                    attributes(&reader, &element, &mut xmp);
                    open.push((bound, local, String::new()));
                }
                Event::Empty(element) => attributes(&reader, &element, &mut xmp),
                Event::Text(piece) => {
                    if let (Some((_, _, said)), Ok(piece)) = (open.last_mut(), piece.decode())
                        && said.len() < MAX_VALUE_CHARS
                    {
                        said.push_str(&piece);
                    }
                }
                Event::GeneralRef(reference) => {
                    if let (Some((_, _, said)), Ok(Some(c))) = (open.last_mut(), reference.resolve_char_ref()) {
                        said.push(c);
                    }
                }
                Event::End(_) => {
                    if let Some((Some(uri), local, said)) = open.pop()
                        && !said.trim().is_empty()
                    {
                        let namespace = quick_xml::name::Namespace(uri.as_bytes());
                        xmp.put(&ResolveResult::Bound(namespace), &local, &said);
                    }
                }
                Event::Eof => return xmp,
                _ => {}
            },
            Err(error) => {
                xmp.warnings.push(format!("the XMP is damaged: {error}"));
                return xmp;
            }
        }
    }
    xmp.warnings.push("the XMP is too long: its rest was not read".into());
    xmp
}

fn bound(namespace: &ResolveResult<'_>) -> Option<String> {
    match namespace {
        ResolveResult::Bound(uri) => Some(String::from_utf8_lossy(uri.as_ref()).into_owned()),
        _ => None,
    }
}

fn attributes(reader: &NsReader<&[u8]>, element: &quick_xml::events::BytesStart<'_>, xmp: &mut Xmp) {
    for attribute in element.attributes().with_checks(false).flatten() {
        let (namespace, local) = reader.resolver().resolve_attribute(attribute.key);
        let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) else { continue };
        xmp.put(&namespace, local.as_ref(), &value);
    }
}
