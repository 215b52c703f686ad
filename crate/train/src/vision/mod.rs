//! Vision: image sets, their changes and batches, and what the training loop needs to know about them.

pub mod augment;
pub mod batches;
mod cache;
pub mod card;
pub mod evaluate;
mod idx;
mod init;
pub mod recipe;
pub mod sets;
mod tally;
mod tar;
pub mod task;

pub use cache::load_images;
pub use evaluate::VisionEvaluator;
pub use init::initial_vision_tensors;
pub use task::VisionTask;
