//! Work shared among threads, where there are any: with the feature `threads`, those of rayon's pool.
//!
//! Training has threads of its own, which share out batches, and does without these.

/// Multiplications below which one thread is done before another has woken up.
#[cfg(feature = "threads")]
const WORTH_SHARING: usize = 1 << 20;

/// Runs `body` on every chunk of `target`, on all threads where so many multiplications are worth it.
pub fn for_each_chunk<T: Send>(
    target: &mut [T],
    size: usize,
    multiplications: usize,
    body: impl Fn(usize, &mut [T]) + Sync,
) {
    #[cfg(feature = "threads")]
    if multiplications >= WORTH_SHARING {
        use rayon::prelude::*;
        let chunks = target.par_chunks_mut(size).enumerate();
        chunks.for_each(|(index, chunk)| body(index, chunk));
        return;
    }
    let _ = multiplications;
    let chunks = target.chunks_mut(size).enumerate();
    chunks.for_each(|(index, chunk)| body(index, chunk));
}

/// Runs `body` on every item, as [`for_each_chunk`] does.
pub fn for_each<T: Send>(
    items: &mut [T],
    multiplications: usize,
    body: impl Fn(usize, &mut T) + Sync,
) {
    for_each_chunk(items, 1, multiplications, |index, chunk| {
        chunk.iter_mut().for_each(|item| body(index, item));
    });
}

/// How a product is shared out.
pub fn parallelism(multiplications: usize) -> gemm::Parallelism {
    #[cfg(feature = "threads")]
    if multiplications >= WORTH_SHARING {
        return gemm::Parallelism::Rayon(0);
    }
    let _ = multiplications;
    gemm::Parallelism::None
}
