//! A vision transformer with MoE layers: stem, L blocks of attention and experts over P patches, mean, classifier.
//!
//! After V-MoE (Riquelme et al. 2021, arXiv:2106.05974) at the size of a browser tab: the blocks are those of the
//! language models, without a mask and without rotary positions.
//! Positions enter twice: as a learned embedding, and as a learned bias on attention scores by relative position
//! (Swin, Liu et al. 2021, arXiv:2103.14030), which begins as a preference for one side per head
//! (after `ConViT`, d'Ascoli et al. 2021, arXiv:2103.10697).
//!
//! Shapes: B images, P patches, T = B * P, D `d_model`, N classes, G patches along one side, R = (2 G - 1)^2.

pub mod config;
mod engine;
mod image;
mod machine;
mod stem;
mod weights;

use burn::module::{Module, Param};
use burn::nn::RmsNorm;
use burn::tensor::{Int, Tensor, TensorData};

use crate::attention::AttentionContext;
use crate::eager::Eager;
use crate::error::ModelError;
use crate::lm::Block;
use crate::moe::Router;

pub use config::{ImageClass, VitConfig};
pub use engine::{Classification, VisionEngine, VisionInfo};
pub use image::{CHANNELS, RgbImage};
pub use stem::{Conv, Stem};
#[cfg(feature = "recorded")]
pub(crate) use weights::{TAPS, bias_name};
pub use weights::{build, export};

/// One transformer layer with its bias by relative position.
#[derive(Module, Debug)]
pub struct VitBlock {
    /// Added to attention scores, [R, H].
    pub relative_bias: Param<Tensor<2>>,
    /// Attention and experts.
    pub block: Block,
}

/// The model. Weights only; its configuration stays beside it.
#[derive(Module, Debug)]
pub struct MoeVit {
    /// Pixels to patches.
    pub stem: Stem,
    /// Position embedding, [P, D].
    pub position: Param<Tensor<2>>,
    /// Transformer layers.
    pub blocks: Vec<VitBlock>,
    /// Before the mean over patches.
    pub norm: RmsNorm,
    /// Classifier, [D, N].
    pub head: Param<Tensor<2>>,
    /// Its bias, [N].
    pub head_bias: Param<Tensor<1>>,
    /// Image size and patches along one side; not parameters.
    #[module(skip)]
    pub grid: Grid,
}

/// How an image is cut.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// Pixels along one side.
    pub image_size: usize,
    /// Patches along one side, G.
    pub patches: usize,
}

impl MoeVit {
    /// Class logits of B images. The tokens given to the router are image after image, patches row by row.
    ///
    /// # Shapes
    /// `pixels_bhwc`: [B, side, side, 3], normalised; returns [B, N].
    ///
    /// # Errors
    /// Those of the router.
    pub async fn forward<R: Router>(
        &self,
        pixels_bhwc: Tensor<4>,
        router: &mut R,
    ) -> Result<Tensor<2>, ModelError> {
        let [b, side, _, channels] = pixels_bhwc.dims();
        let [p, d_model] = self.position.dims();
        let pixels_nc = pixels_bhwc.reshape([b * side * side, channels]);
        let embedded = self.stem.forward(pixels_nc, side).reshape([b, p, d_model]);
        let x_td = (embedded + self.position.val().unsqueeze()).reshape([b * p, d_model]);
        let biases = self.blocks.iter();
        let biases = biases.map(|block| self.pair_bias(block.relative_bias.val()));
        let pass = Eager {
            n_sequences: b,
            context: AttentionContext::default(),
            biases: biases.collect(),
            router,
        };
        let blocks = self.blocks.iter().map(|block| &block.block);
        let mean_bd = pass
            .run(blocks, &self.norm, x_td)
            .await?
            .reshape([b, p, d_model])
            .mean_dim(1)
            .reshape([b, d_model]);
        Ok(mean_bd.matmul(self.head.val()) + self.head_bias.val().unsqueeze())
    }

    /// The bias of every pair of patches.
    ///
    /// # Shapes
    /// `relative_rh`: [R, H]; returns [1, H, P, P].
    fn pair_bias(&self, relative_rh: Tensor<2>) -> Tensor<4> {
        let [_, n_heads] = relative_rh.dims();
        let p = self.grid.patches * self.grid.patches;
        let pairs = relative_positions(self.grid.patches);
        let pairs = TensorData::new(pairs, [p * p]);
        let pairs = Tensor::<1, Int>::from_data(pairs, &relative_rh.device());
        let bias_qh = relative_rh.select(0, pairs);
        bias_qh.transpose().reshape([1, n_heads, p, p])
    }
}

/// Row of the bias table for each query and key: (row distance, column distance), both from -(G - 1) to G - 1.
pub fn relative_positions(patches: usize) -> Vec<i32> {
    let width = 2 * patches - 1;
    let mut rows = Vec::with_capacity(patches.pow(4));
    for query in 0..patches * patches {
        for key in 0..patches * patches {
            let down = key / patches + patches - 1 - query / patches;
            let right = key % patches + patches - 1 - query % patches;
            rows.push((down * width + right) as i32);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_positions_depend_on_the_distance_alone() {
        let rows = relative_positions(3);
        let at = |query: usize, key: usize| rows[query * 9 + key];
        // Each patch to itself is the middle of the table.
        assert!((0..9).all(|patch| at(patch, patch) == 12));
        // One to the right, from two places; one down; the far corner.
        assert_eq!(
            [at(0, 1), at(4, 5), at(0, 3), at(0, 8), at(8, 0)],
            [13, 13, 17, 24, 0]
        );
    }
}
