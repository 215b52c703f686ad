//! A recipe of either kind, told apart by `model.architecture`.

use std::path::Path;

use moescope_model::vision::config::MODEL_TYPE;

use crate::TrainError;
use crate::recipe::Recipe;
use crate::run::io;
use crate::vision::recipe::VisionRecipe;

/// A recipe for text or for images.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a program reads one recipe")]
pub enum AnyRecipe {
    /// A language model.
    Text(Recipe),
    /// A vision model.
    Vision(VisionRecipe),
}

impl AnyRecipe {
    /// Reads and checks a recipe file.
    ///
    /// # Errors
    /// Those of [`Recipe::parse`] or [`VisionRecipe::parse`].
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        let text = std::fs::read_to_string(path).map_err(io("read", path))?;
        let table: toml::Table =
            text.parse()
                .map_err(|error: toml::de::Error| TrainError::RecipeUnreadable {
                    path: path.to_path_buf(),
                    reason: error.to_string(),
                })?;
        let architecture = table
            .get("model")
            .and_then(|model| model.get("architecture"));
        if architecture.and_then(toml::Value::as_str) == Some(MODEL_TYPE) {
            return Ok(Self::Vision(VisionRecipe::parse(&text, path)?));
        }
        Ok(Self::Text(Recipe::parse(&text, path)?))
    }
}
