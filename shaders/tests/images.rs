//! The kernels of images against their twins, on random shapes.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

mod common;

use common::{Rng, assert_close, one_pass, plan, read, run, sizes, write};
use moescope_shaders::{
    Convolution, Format, Grid, Linear, Mean, Mode, Norm, Recording, Rows, Step, cpu,
};

const EPSILON: f32 = 1e-6;

#[test]
fn convolution_agrees_with_its_twin() {
    let mut rng = Rng::new(8);
    let shapes = [(8, 2, 3, 5), (7, 1, 4, 4), (16, 2, 16, 70), (2, 2, 1, 1)];
    for (side, stride, inputs, outputs) in shapes {
        let grid = Grid { side, stride };
        let n_cells = grid.cells() * grid.cells();
        let [silu, has_rows] = [0, 1].map(|_| rng.next().is_multiple_of(2));
        let bias_rows = if has_rows { n_cells } else { 1 };
        let values = [
            rng.reals(outputs * 9 * inputs),
            rng.reals(bias_rows * outputs),
            rng.reals(side * side * inputs),
        ];
        let mut recording = Recording::new(sizes(1)).unwrap();
        let buffers = [0, 1, 2].map(|i| recording.buffer("an input", values[i].len()));
        let output = recording.buffer("output", n_cells * outputs);
        let pass = one_pass(&mut recording, Mode::Tile, |p| {
            p.convolution(Convolution {
                grid,
                inputs,
                outputs,
                weights: buffers[0],
                bias: buffers[1],
                bias_rows,
                input: buffers[2],
                output,
                silu,
            });
        });
        let mut plan = plan(recording);
        for (buffer, values) in buffers.into_iter().zip(&values) {
            plan.write_reals(buffer, 0, values).unwrap();
        }
        let step = Step {
            tokens: &[0],
            ..Step::default()
        };
        run(&mut plan, pass, &step);
        let [weights, bias, input] = &values;
        let expected = cpu::convolution(grid, weights, bias, input, silu);
        let what = format!("{grid:?} {inputs} to {outputs}, bias of {bias_rows}, silu {silu}");
        assert_close(&what, &read(&plan, output, expected.len()), &expected, 1e-5);
    }
}

#[test]
fn mean_agrees_with_its_twin_and_row_0_alone_goes_on() {
    let mut rng = Rng::new(9);
    for (columns, n_tokens) in [(4, 1), (24, 16), (192, 64), (64, 65), (1056, 130)] {
        let mut recording = Recording::new(sizes(n_tokens)).unwrap();
        let input = recording.activations("input", columns);
        let gain = recording.vector("gain", columns);
        let mean = recording.vector("mean", columns);
        let weights = recording.matrix("weights", 5, columns, Format::F32);
        let weights = weights.unwrap();
        let output = recording.vector("output", 5);
        let pass = one_pass(&mut recording, Mode::Tile, |p| {
            p.mean(Mean {
                columns,
                input,
                norm: Norm {
                    gain,
                    epsilon: EPSILON,
                },
                output: mean,
            });
            p.linear(Linear {
                weights,
                input: mean,
                norm: None,
                bias: None,
                output,
                add: false,
                rows: Rows::First,
            });
        });
        let mut plan = plan(recording);
        let (x, gains) = (rng.reals(n_tokens * columns), rng.reals(columns));
        plan.write_reals(input, 0, &x).unwrap();
        plan.write_reals(gain, 0, &gains).unwrap();
        let matrix = write(&plan, &weights, &rng.reals(5 * columns));
        let tokens = vec![0; n_tokens];
        let step = Step {
            tokens: &tokens,
            ..Step::default()
        };
        run(&mut plan, pass, &step);
        let expected = cpu::mean(&x, &gains, EPSILON);
        let what = format!("{n_tokens} tokens of {columns}");
        assert_close(&what, &read(&plan, mean, columns), &expected, 1e-5);
        let mut product = vec![0.0; 5];
        cpu::matvec(&matrix, columns, &expected, None, &[], &mut product);
        let what = format!("{what}, row 0");
        assert_close(&what, &read(&plan, output, 5), &product, 1e-5);
    }
}
