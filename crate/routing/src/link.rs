//! The compact form of a spec for links and the command line: `PRESET,field=value,...`.
//!
//! Fields have the flat names that the stages list; lists are joined with `+`.
//! Only what differs from the preset, or from the default spec, is written.
//! A model's routing puts the specs of single layers after `;`, as in `top_k=8;2:top_k=1`.

use crate::error::RoutingError;
use crate::fields::Fields;
use crate::model_routing::ModelRouting;
use crate::presets::preset;
use crate::spec::RouterSpec;

impl RouterSpec {
    /// Reads a link, such as `olmoe,top_k=4,disabled=3+7`.
    ///
    /// # Errors
    /// An unknown preset or field, or a value that the field cannot have.
    pub fn from_link(link: &str) -> Result<Self, RoutingError> {
        let mut items = link.split(',').filter(|item| !item.is_empty()).peekable();
        let base = match items.next_if(|item| !item.contains('=')) {
            Some(name) => preset(name)?,
            None => Self::default(),
        };
        items.try_fold(Reader::default(), Reader::add)?.read(base)
    }

    /// The shortest link that [`Self::from_link`] reads back as this spec.
    #[must_use]
    pub fn to_link(&self) -> String {
        let plain = Self {
            select: self.select.reset(),
            ..Self::default()
        };
        let usual = Writer::list(&Self::default());
        let own_usual = Writer::list(&plain);
        let differs = |item: &(&str, String)| match item.0 {
            "method" => !usual.contains(item),
            _ => !own_usual.contains(item),
        };
        let link = self.link_of(differs);
        // Some fields imply others; what a reader would guess wrongly is written too.
        match Self::from_link(&link) {
            Ok(read) if read != *self => {
                let guessed = Writer::list(&read);
                self.link_of(|item| differs(item) || !guessed.contains(item))
            }
            _ => link,
        }
    }

    fn link_of(&self, is_written: impl Fn(&(&str, String)) -> bool) -> String {
        Writer::list(self)
            .iter()
            .filter(|item| is_written(item))
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(",")
    }
}

impl ModelRouting {
    /// Reads a link, such as `top_k=8;2:top_k=1`.
    ///
    /// # Errors
    /// Those of [`RouterSpec::from_link`], or a layer that is no number.
    pub fn from_link(link: &str) -> Result<Self, RoutingError> {
        let mut parts = link.split(';');
        let default = RouterSpec::from_link(parts.next().unwrap_or_default())?;
        let mut routing = Self::from(default);
        for part in parts {
            let (layer, spec) = part.split_once(':').unwrap_or((part, ""));
            let layer = layer.parse().map_err(|_| RoutingError::FieldInvalid {
                name: "layer".into(),
                got: layer.into(),
                allowed: "a layer number before a colon, as in 2:top_k=1".into(),
            })?;
            routing.layers.insert(layer, RouterSpec::from_link(spec)?);
        }
        Ok(routing)
    }

    /// The shortest link that [`Self::from_link`] reads back as this routing.
    #[must_use]
    pub fn to_link(&self) -> String {
        let layers = self.layers.iter();
        std::iter::once(self.default.to_link())
            .chain(layers.map(|(layer, spec)| format!("{layer}:{}", spec.to_link())))
            .collect::<Vec<_>>()
            .join(";")
    }
}

/// Writes every field as text.
#[derive(Default)]
struct Writer {
    items: Vec<(&'static str, String)>,
}

impl Writer {
    fn list(spec: &RouterSpec) -> Vec<(&'static str, String)> {
        let mut writer = Self::default();
        spec.clone().visit(&mut writer);
        writer.items
    }

    fn add(&mut self, name: &'static str, text: String) {
        self.items.push((name, text));
    }
}

impl Fields for Writer {
    fn real(&mut self, name: &'static str, value: &mut f32) {
        self.add(name, value.to_string());
    }

    fn count(&mut self, name: &'static str, value: &mut usize) {
        self.add(name, value.to_string());
    }

    fn flag(&mut self, name: &'static str, value: &mut bool) {
        self.add(name, value.to_string());
    }

    fn code(&mut self, name: &'static str, names: &'static [&'static str], value: &mut usize) {
        self.add(name, names[*value].to_owned());
    }

    fn optional_real(&mut self, name: &'static str, value: &mut Option<f32>) {
        self.add(name, value.map_or("none".into(), |x| x.to_string()));
    }

    fn optional_count(&mut self, name: &'static str, value: &mut Option<usize>) {
        self.add(name, value.map_or("none".into(), |x| x.to_string()));
    }

    fn reals(&mut self, name: &'static str, value: &mut Vec<f32>) {
        self.add(name, join(value));
    }

    fn counts(&mut self, name: &'static str, value: &mut Vec<usize>) {
        self.add(name, join(value));
    }
}

fn join<T: ToString>(values: &[T]) -> String {
    values
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join("+")
}

/// Reads fields from text; fields that are not given keep their value.
#[derive(Default)]
struct Reader {
    items: Vec<(String, String)>,
    seen: Vec<&'static str>,
    error: Option<RoutingError>,
}

impl Reader {
    /// Adds one `field=value`; a field given twice is an error.
    fn add(mut self, item: &str) -> Result<Self, RoutingError> {
        let invalid = |allowed: &str| RoutingError::FieldInvalid {
            name: "the link".into(),
            got: item.into(),
            allowed: allowed.into(),
        };
        let (name, value) = item
            .split_once('=')
            .ok_or_else(|| invalid("field=value after the preset"))?;
        if self.items.iter().any(|(other, _)| other == name) {
            return Err(invalid("given once for each field"));
        }
        self.items.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    fn read(mut self, mut spec: RouterSpec) -> Result<RouterSpec, RoutingError> {
        spec.visit(&mut self);
        if let Some(error) = self.error {
            return Err(error);
        }
        match self
            .items
            .iter()
            .find(|(name, _)| !self.seen.contains(&name.as_str()))
        {
            Some((name, _)) => Err(RoutingError::UnknownField {
                name: name.clone(),
                allowed: self.seen.join(", "),
            }),
            None => Ok(spec),
        }
    }

    /// Parses the value of `name`, if it is given, and keeps the first error.
    fn field<T>(
        &mut self,
        name: &'static str,
        value: &mut T,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) {
        self.seen.push(name);
        let Some((_, text)) = self.items.iter().find(|(given, _)| given == name) else {
            return;
        };
        match parse(text) {
            Some(parsed) => *value = parsed,
            None => {
                self.error.get_or_insert(RoutingError::FieldInvalid {
                    name: name.to_owned(),
                    got: text.clone(),
                    allowed: allowed.to_owned(),
                });
            }
        }
    }
}

impl Fields for Reader {
    fn given(&self, name: &str) -> bool {
        self.items.iter().any(|(given, _)| given == name)
    }

    fn real(&mut self, name: &'static str, value: &mut f32) {
        self.field(name, value, "a number", parse_real);
    }

    fn count(&mut self, name: &'static str, value: &mut usize) {
        self.field(name, value, "a whole number from 0", parse_count);
    }

    fn flag(&mut self, name: &'static str, value: &mut bool) {
        self.field(name, value, "true or false", |text| text.parse().ok());
    }

    fn code(&mut self, name: &'static str, names: &'static [&'static str], value: &mut usize) {
        let allowed = format!("one of {}", names.join(", "));
        self.field(name, value, &allowed, |text| {
            names.iter().position(|name| *name == text)
        });
    }

    fn optional_real(&mut self, name: &'static str, value: &mut Option<f32>) {
        self.field(name, value, "a number or none", |text| {
            optional(text, parse_real)
        });
    }

    fn optional_count(&mut self, name: &'static str, value: &mut Option<usize>) {
        self.field(name, value, "a whole number or none", |text| {
            optional(text, parse_count)
        });
    }

    fn reals(&mut self, name: &'static str, value: &mut Vec<f32>) {
        self.field(name, value, "numbers joined with +", |text| {
            split(text, parse_real)
        });
    }

    fn counts(&mut self, name: &'static str, value: &mut Vec<usize>) {
        self.field(name, value, "whole numbers joined with +", |text| {
            split(text, parse_count)
        });
    }
}

fn parse_real(text: &str) -> Option<f32> {
    text.parse().ok().filter(|x: &f32| x.is_finite())
}

/// Counts are words in the packed form, so they must fit 32 bits.
fn parse_count(text: &str) -> Option<usize> {
    text.parse::<u32>().ok().map(|x| x as usize)
}

fn optional<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text == "none" {
        Some(None)
    } else {
        parse(text).map(Some)
    }
}

fn split<T>(text: &str, parse: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split('+').map(parse).collect()
}
