//! The matrices of a model: numbers as they are, or blocks of eight bits, which the CPU's own products read.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Int, Tensor};

use crate::error::ModelError;
#[cfg(feature = "fused")]
use crate::fused::{self, Packed};

/// A matrix that rows are multiplied with, or a stack of them.
#[derive(Module, Debug)]
pub enum Weight<const N: usize> {
    /// [.., in, out]
    Real(Param<Tensor<N>>),
    /// [.., out, in]
    #[cfg(feature = "fused")]
    Packed(Packed),
}

/// A row for each token of the vocabulary: the embedding, which may be the head as well.
#[derive(Module, Debug)]
pub enum Table {
    /// [V, D]
    Real(Param<Tensor<2>>),
    /// [V, D]
    #[cfg(feature = "fused")]
    Packed(Packed),
}

impl<const N: usize> Weight<N> {
    /// Under what name an optimizer knows it; none for what cannot be trained.
    pub fn id(&self) -> Option<ParamId> {
        match self {
            Self::Real(weight) => Some(weight.id),
            #[cfg(feature = "fused")]
            Self::Packed(_) => None,
        }
    }

    /// # Shapes
    /// returns [.., in, out]
    pub fn reals(&self) -> Tensor<N> {
        match self {
            Self::Real(weight) => weight.val(),
            #[cfg(feature = "fused")]
            Self::Packed(weight) => weight.unpacked(),
        }
    }
}

impl Weight<2> {
    /// # Shapes
    /// `x_td`: [T, in]; returns [T, out]
    pub fn multiply(&self, x_td: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Real(weight) => real_product(x_td, weight.val(), false),
            #[cfg(feature = "fused")]
            Self::Packed(weight) => packed_product(x_td, weight),
        }
    }
}

impl Weight<3> {
    /// One matrix of a stack.
    ///
    /// # Shapes
    /// returns [in, out]
    pub fn one(&self, index: usize) -> Tensor<2> {
        match self {
            Self::Real(weight) => weight.val().narrow(0, index, 1).squeeze_dim(0),
            #[cfg(feature = "fused")]
            Self::Packed(weight) => weight.one(index).transpose(),
        }
    }
}

impl Table {
    /// Under what name an optimizer knows it; none for what cannot be trained.
    pub fn id(&self) -> Option<ParamId> {
        match self {
            Self::Real(table) => Some(table.id),
            #[cfg(feature = "fused")]
            Self::Packed(_) => None,
        }
    }

    /// D.
    pub fn width(&self) -> usize {
        match self {
            Self::Real(table) => table.dims()[1],
            #[cfg(feature = "fused")]
            Self::Packed(table) => table.sizes()[0],
        }
    }

    /// # Shapes
    /// returns [V, D]
    pub fn reals(&self) -> Tensor<2> {
        match self {
            Self::Real(table) => table.val(),
            #[cfg(feature = "fused")]
            Self::Packed(table) => table.one(0),
        }
    }

    /// The rows of some tokens.
    ///
    /// # Shapes
    /// returns [T, D]
    ///
    /// # Errors
    /// [`ModelError::Device`] if the ids cannot be read.
    pub async fn lookup(&self, tokens: Tensor<1, Int>) -> Result<Tensor<2>, ModelError> {
        match self {
            Self::Real(table) => Ok(table.val().select(0, tokens)),
            #[cfg(feature = "fused")]
            Self::Packed(table) => {
                let ids = tokens.into_data_async().await;
                let ids = ids.map_err(|e| ModelError::Device(e.to_string()))?;
                let ids: Vec<i32> = ids.iter::<i32>().collect();
                Ok(table.lookup(&ids))
            }
        }
    }

    /// Each row that comes in times each row of the table.
    ///
    /// # Shapes
    /// `x_td`: [T, D]; returns [T, V]
    pub fn logits(&self, x_td: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Real(table) => real_product(x_td, table.val(), true),
            #[cfg(feature = "fused")]
            Self::Packed(table) => packed_product(x_td, table),
        }
    }
}

/// Rows times a matrix, or its transpose.
fn real_product(x_td: Tensor<2>, matrix: Tensor<2>, transposed: bool) -> Tensor<2> {
    #[cfg(feature = "fused")]
    if fused::ROWS_ALONE
        && let Some(row) = fused::row_product(x_td.clone(), matrix.clone(), transposed)
    {
        return row;
    }
    match transposed {
        true => x_td.matmul(matrix.transpose()),
        false => x_td.matmul(matrix),
    }
}

/// Rows times the transpose of a packed matrix, by its own kernel wherever it runs.
#[cfg(feature = "fused")]
fn packed_product(x_td: Tensor<2>, matrix: &Packed) -> Tensor<2> {
    match fused::product(x_td.clone(), matrix) {
        Some(product) => product,
        None => x_td.matmul(matrix.one(0).transpose()),
    }
}
