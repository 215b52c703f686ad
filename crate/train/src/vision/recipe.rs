//! The recipe of a vision model: image sets, changes of images, shape, schedule.
//!
//! As for text, unknown fields are refused and there are no defaults, except in the router, whose fields are many.
//! `train` is the text models' own section: a sequence is an image and a token is a patch of it.

use std::path::Path;

use moescope_model::vision::{ImageClass, VitConfig, config::MODEL_TYPE};
use moescope_routing::RouterSpec;
use serde::{Deserialize, Serialize};

use super::sets::SetInfo;
use crate::TrainError;
use crate::recipe::{TrainRecipe, check, check_name, positive};

/// The whole recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisionRecipe {
    /// Name of the model, and of its folder.
    pub name: String,
    /// What it looks at.
    pub data: ImageDataRecipe,
    /// How training images are changed.
    pub augment: AugmentRecipe,
    /// Its shape.
    pub model: VitRecipe,
    /// How it is trained.
    pub train: TrainRecipe,
}

/// The images of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageDataRecipe {
    /// The sets, in the order of their classes.
    pub sets: Vec<ImageSetRecipe>,
}

/// One set of images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSetRecipe {
    /// Its folder below `images/`.
    pub name: String,
    /// Its share of the training images, relative to the other weights.
    pub weight: f64,
    /// Whether exchanging left and right leaves its classes alone.
    pub mirror: bool,
}

/// How training images are changed, and their targets with them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AugmentRecipe {
    /// Pixels an image is moved by at most, in either direction.
    pub crop_padding: usize,
    /// Largest change of brightness, as a share of white.
    pub brightness: f64,
    /// Largest change of contrast, as a share of it.
    pub contrast: f64,
    /// Pixels along one side of the square that half the images lose; 0 for none.
    pub erase_side: usize,
    /// Share of the target that all classes get alike (Szegedy et al. 2016, arXiv:1512.00567).
    pub label_smoothing: f64,
}

/// The shape of a vision model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VitRecipe {
    /// Layout of the checkpoint: `moescope_vit_moe`.
    pub architecture: String,
    /// Pixels along one side of the image.
    pub image_size: usize,
    /// Pixels along one side of a patch.
    pub patch_size: usize,
    /// Mean of each channel, where white is 1.
    pub image_mean: [f32; 3],
    /// Standard deviation of each channel, where white is 1.
    pub image_std: [f32; 3],
    /// Output channels of the stem's convolutions but the last.
    pub stem_channels: Vec<usize>,
    /// L: transformer layers.
    pub n_layers: usize,
    /// D: width of the hidden state.
    pub d_model: usize,
    /// Attention heads.
    pub n_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Layers with one network for every patch.
    pub dense_layers: Vec<usize>,
    /// Hidden width of the network of a dense layer.
    pub d_ff: usize,
    /// E: experts per MoE layer.
    pub n_experts: usize,
    /// F: hidden width of one expert.
    pub moe_d_ff: usize,
    /// How patches are routed.
    pub router: RouterSpec,
}

impl VisionRecipe {
    /// Reads and checks the text of a recipe; the path is for messages only.
    ///
    /// # Errors
    /// Bad TOML, unknown or missing fields, values that make no sense.
    pub fn parse(text: &str, path: &Path) -> Result<Self, TrainError> {
        let recipe: Self = toml::from_str(text).map_err(|error| TrainError::RecipeUnreadable {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
        recipe.validate()?;
        Ok(recipe)
    }

    /// What is known of the sets, in order.
    ///
    /// # Errors
    /// A set that cannot be read.
    pub fn sets(&self) -> Result<Vec<&'static SetInfo>, TrainError> {
        self.data.sets.iter().map(|set| known(&set.name)).collect()
    }

    /// Weights of the sets, in order.
    pub fn set_weights(&self) -> Vec<f64> {
        self.data.sets.iter().map(|set| set.weight).collect()
    }

    /// The configuration that the recipe describes.
    ///
    /// # Errors
    /// A set that cannot be read, or a shape that makes no sense.
    pub fn config(&self) -> Result<VitConfig, TrainError> {
        let m = &self.model;
        let classes = self.sets()?.into_iter().flat_map(|set| {
            set.labels.iter().map(|label| ImageClass {
                set: set.name.to_owned(),
                label: (*label).to_owned(),
            })
        });
        let config = VitConfig {
            model_type: m.architecture.clone(),
            image_size: m.image_size,
            patch_size: m.patch_size,
            image_mean: m.image_mean,
            image_std: m.image_std,
            stem_channels: m.stem_channels.clone(),
            d_model: m.d_model,
            n_layers: m.n_layers,
            n_heads: m.n_heads,
            head_dim: m.head_dim,
            n_experts: m.n_experts,
            d_ff_expert: m.moe_d_ff,
            dense_layers: m.dense_layers.clone(),
            d_ff_dense: m.d_ff,
            rms_norm_eps: 1e-6,
            router: m.router.clone(),
            classes: classes.collect(),
        };
        config.check()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), TrainError> {
        check_name("name", &self.name)?;
        check(
            "model.architecture",
            self.model.architecture == MODEL_TYPE,
            &self.model.architecture,
            MODEL_TYPE,
        )?;
        let sets = &self.data.sets;
        check(
            "data.sets",
            !sets.is_empty(),
            "an empty list",
            "at least one set",
        )?;
        for (index, set) in sets.iter().enumerate() {
            known(&set.name)?;
            let twice = sets[..index].iter().any(|other| other.name == set.name);
            check("data.sets.name", !twice, &set.name, "each set once")?;
            check(
                "data.sets.weight",
                positive(set.weight),
                set.weight,
                "above 0",
            )?;
        }
        self.augment.validate(self.model.image_size)?;
        let config = self.config()?;
        let (seq_len, patches) = (self.train.seq_len, config.n_patches());
        let allowed = format!("{patches}, the patches of an image");
        check("train.seq_len", seq_len == patches, seq_len, allowed)?;
        self.train.validate()
    }
}

impl AugmentRecipe {
    fn validate(&self, image_size: usize) -> Result<(), TrainError> {
        let inside = format!("below model.image_size = {image_size}");
        for (field, pixels) in [
            ("augment.crop_padding", self.crop_padding),
            ("augment.erase_side", self.erase_side),
        ] {
            check(field, pixels < image_size, pixels, &inside)?;
        }
        for (field, share) in [
            ("augment.brightness", self.brightness),
            ("augment.contrast", self.contrast),
            ("augment.label_smoothing", self.label_smoothing),
        ] {
            check(field, (0.0..1.0).contains(&share), share, "0 to below 1")?;
        }
        Ok(())
    }
}

fn known(name: &str) -> Result<&'static SetInfo, TrainError> {
    let names: Vec<&str> = super::sets::SETS.iter().map(|set| set.name).collect();
    SetInfo::named(name).ok_or_else(|| TrainError::RecipeField {
        field: "data.sets.name",
        got: name.to_owned(),
        allowed: names.join(", "),
    })
}
