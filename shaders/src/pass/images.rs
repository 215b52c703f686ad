//! How images begin and end: the convolutions of a stem, and the mean over patches.

use super::{PassBuilder, groups, word};
use crate::kernel::{CONVOLUTION, MEAN};
use crate::operations::{Convolution, Mean};
use crate::recorder::Count;

impl PassBuilder<'_> {
    /// A convolution. One dispatch.
    pub fn convolution(&mut self, convolution: Convolution) {
        let Convolution { grid, outputs, .. } = convolution;
        let args = [
            grid.side,
            grid.stride,
            convolution.inputs,
            outputs,
            convolution.bias_rows,
            usize::from(convolution.silu),
        ];
        let buffers = [
            convolution.weights,
            convolution.bias,
            convolution.input,
            convolution.output,
        ];
        let all = groups(grid.cells() * grid.cells() * outputs, 64);
        let grid = [all, Count::Fixed(1), Count::Fixed(1)];
        self.push(&CONVOLUTION, &[], &buffers, &args.map(word), grid);
    }

    /// The mean of all tokens, normed. One dispatch.
    pub fn mean(&mut self, mean: Mean) {
        let args = [word(mean.columns), mean.norm.epsilon.to_bits()];
        let buffers = [mean.input, mean.norm.gain, mean.output];
        let columns = groups(mean.columns, 4 * 64);
        let grid = [columns, Count::Fixed(1), Count::Fixed(1)];
        self.push(&MEAN, &[], &buffers, &args, grid);
    }
}
