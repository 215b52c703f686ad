//! One walk over the fields of a spec, for everything that must know them all.
//!
//! Each stage lists its fields once, in its own file.
//! Links, the packed form and their readers are visitors of that list, so that a new field
//! or strategy appears in all of them without being named again.

use crate::named::Named;

/// Sees, and may change, every field of a spec.
///
/// Names are those of links; they are unique within a spec.
pub(crate) trait Fields {
    /// A number.
    fn real(&mut self, name: &'static str, value: &mut f32);
    /// A count or an index.
    fn count(&mut self, name: &'static str, value: &mut usize);
    /// Yes or no.
    fn flag(&mut self, name: &'static str, value: &mut bool);
    /// An index into `names`.
    fn code(&mut self, name: &'static str, names: &'static [&'static str], value: &mut usize);
    /// A number that may be absent.
    fn optional_real(&mut self, name: &'static str, value: &mut Option<f32>);
    /// A count that may be absent.
    fn optional_count(&mut self, name: &'static str, value: &mut Option<usize>);
    /// Numbers.
    fn reals(&mut self, name: &'static str, value: &mut Vec<f32>);
    /// Counts or indices.
    fn counts(&mut self, name: &'static str, value: &mut Vec<usize>);

    /// Whether a value for `name` is at hand; only a reader of partial input ever says yes.
    fn given(&self, _name: &str) -> bool {
        false
    }

    /// A variant of a [`Named`] enum.
    fn choice<T: Named>(&mut self, name: &'static str, value: &mut T)
    where
        Self: Sized,
    {
        let mut code = value.code();
        self.code(name, T::NAMES, &mut code);
        *value = T::ALL.get(code).copied().unwrap_or(*value);
    }
}
