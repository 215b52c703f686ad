//! Trains the small language models that Moescope shows.
//!
//! A recipe (`recipe`) names the shape of a model, its text and its schedule.
//! The text is found and read (`data`), cut into tokens (`tokenizer`), kept as token
//! streams in a cache (`shards`) and dealt into batches (`batches`).
//! What a trained model is worth is measured (`evaluate`, `usage`) and written into its card (`card`, `chart`).
//! A count-based language model over the same tokens (`ngram`) is the bar to beat.
//!
//! Shape legend: B batch, S sequence, T = B*S tokens, D d_model, F d_ff, E experts, K top_k, L layers.

mod any_recipe;
pub mod balance;
pub mod batches;
pub mod card;
pub mod chart;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod init;
mod log;
pub mod manifest;
pub mod muon;
pub mod ngram;
mod optimizer;
pub mod progress;
pub mod recipe;
mod run;
pub mod shards;
pub mod shuffle;
pub mod step;
pub mod task;
#[cfg(test)]
mod testing;
pub mod text_task;
pub mod tokenizer;
pub mod tokens;
pub mod train_router;
pub mod trainer;
pub mod usage;
pub mod vision;

pub use any_recipe::AnyRecipe;
pub use error::TrainError;
