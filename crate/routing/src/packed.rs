//! The packed form of a spec: one block of 32-bit words that a shader can interpret.
//!
//! Words are u32, or the bits of an f32, in the order in which the stages list their fields:
//!
//! ```text
//! number f32 | count u32 | flag 0 or 1 | choice: its code | absent number or count: ABSENT
//! list: two words, where it starts in the block and how many words it has
//! ```
//!
//! Fixed words come first and lists after them; the settings of the select method, whose number
//! depends on the method, are the last fixed words, so that all others have fixed places.

use crate::error::RoutingError;
use crate::fields::Fields;
use crate::spec::RouterSpec;

/// Stands for an absent number or count; as a float it is NaN.
pub const ABSENT: u32 = u32::MAX;

/// A count as a word; one that no layer could have becomes the highest.
fn word(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl RouterSpec {
    /// The packed form.
    #[must_use]
    pub fn pack(&self) -> Vec<u32> {
        let mut packer = Packer::default();
        self.clone().visit(&mut packer);
        packer.finish()
    }

    /// Reads the packed form back.
    ///
    /// # Errors
    /// [`RoutingError::PackedInvalid`] if a word is missing or means nothing.
    pub fn unpack(words: &[u32]) -> Result<Self, RoutingError> {
        let mut unpacker = Unpacker {
            words,
            next: 0,
            error: None,
        };
        let mut spec = Self::default();
        spec.visit(&mut unpacker);
        match unpacker.error {
            Some((word, reason)) => Err(RoutingError::PackedInvalid { word, reason }),
            None => Ok(spec),
        }
    }
}

#[derive(Default)]
struct Packer {
    fixed: Vec<u32>,
    /// Lists, and the fixed word that will say where each starts.
    lists: Vec<(usize, Vec<u32>)>,
}

impl Packer {
    fn finish(mut self) -> Vec<u32> {
        let mut start = self.fixed.len();
        for (place, list) in &self.lists {
            self.fixed[*place] = start as u32;
            start += list.len();
        }
        let lists = self.lists.into_iter().flat_map(|(_, list)| list);
        self.fixed.into_iter().chain(lists).collect()
    }

    fn list(&mut self, list: Vec<u32>) {
        self.fixed.push(0);
        self.fixed.push(list.len() as u32);
        self.lists.push((self.fixed.len() - 2, list));
    }
}

impl Fields for Packer {
    fn real(&mut self, _: &'static str, value: &mut f32) {
        self.fixed.push(value.to_bits());
    }

    fn count(&mut self, _: &'static str, value: &mut usize) {
        self.fixed.push(word(*value));
    }

    fn flag(&mut self, _: &'static str, value: &mut bool) {
        self.fixed.push(u32::from(*value));
    }

    fn code(&mut self, _: &'static str, _: &'static [&'static str], value: &mut usize) {
        self.fixed.push(*value as u32);
    }

    fn optional_real(&mut self, _: &'static str, value: &mut Option<f32>) {
        self.fixed.push(value.map_or(ABSENT, f32::to_bits));
    }

    fn optional_count(&mut self, _: &'static str, value: &mut Option<usize>) {
        self.fixed
            .push(value.map_or(ABSENT, |x| word(x).min(ABSENT - 1)));
    }

    fn reals(&mut self, _: &'static str, value: &mut Vec<f32>) {
        self.list(value.iter().map(|x| x.to_bits()).collect());
    }

    fn counts(&mut self, _: &'static str, value: &mut Vec<usize>) {
        self.list(value.iter().map(|x| word(*x)).collect());
    }
}

struct Unpacker<'a> {
    words: &'a [u32],
    next: usize,
    error: Option<(usize, &'static str)>,
}

impl Unpacker<'_> {
    fn word(&mut self) -> u32 {
        let place = self.next;
        self.next += 1;
        self.words.get(place).copied().unwrap_or_else(|| {
            self.fail("the block ends here");
            0
        })
    }

    fn list(&mut self) -> &[u32] {
        let start = self.word() as usize;
        let length = self.word() as usize;
        match self.words.get(start..start.saturating_add(length)) {
            Some(list) => list,
            None => {
                self.fail("the list lies outside the block");
                &[]
            }
        }
    }

    fn fail(&mut self, reason: &'static str) {
        self.error.get_or_insert((self.next - 1, reason));
    }
}

impl Fields for Unpacker<'_> {
    fn real(&mut self, _: &'static str, value: &mut f32) {
        *value = f32::from_bits(self.word());
    }

    fn count(&mut self, _: &'static str, value: &mut usize) {
        *value = self.word() as usize;
    }

    fn flag(&mut self, _: &'static str, value: &mut bool) {
        match self.word() {
            0 => *value = false,
            1 => *value = true,
            _ => self.fail("a flag must be 0 or 1"),
        }
    }

    fn code(&mut self, _: &'static str, names: &'static [&'static str], value: &mut usize) {
        match self.word() as usize {
            code if code < names.len() => *value = code,
            _ => self.fail("no choice has this code"),
        }
    }

    fn optional_real(&mut self, _: &'static str, value: &mut Option<f32>) {
        let word = self.word();
        *value = (word != ABSENT).then(|| f32::from_bits(word));
    }

    fn optional_count(&mut self, _: &'static str, value: &mut Option<usize>) {
        let word = self.word();
        *value = (word != ABSENT).then_some(word as usize);
    }

    fn reals(&mut self, _: &'static str, value: &mut Vec<f32>) {
        *value = self
            .list()
            .iter()
            .map(|word| f32::from_bits(*word))
            .collect();
    }

    fn counts(&mut self, _: &'static str, value: &mut Vec<usize>) {
        *value = self.list().iter().map(|word| *word as usize).collect();
    }
}
