//! [`Format`]: how weights are packed into 32-bit words; `wgsl/lib/weights.wgsl` unpacks them.
//!
//! Blocks are 32 columns of a row with one float32 scale.
//! Eight bits: the heaviest weight of a block becomes 127. Four bits: the heaviest becomes -8, which uses the odd
//! level that two's complement has on one side (as GGUF's Q4_0 does: https://github.com/ggml-org/ggml).

use std::fmt;
use std::str::FromStr;

use half::f16;

use crate::error::ShaderError;

/// Columns that share a scale.
const BLOCK: usize = 32;

/// How weights are stored; written `f32`, `f16`, `q8`, `q4`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Format {
    /// 32 bits a weight.
    #[default]
    F32,
    /// 16 bits a weight.
    F16,
    /// 9 bits a weight.
    Q8,
    /// 5 bits a weight.
    Q4,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::F32, Self::F16, Self::Q8, Self::Q4];

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Q8 => "q8",
            Self::Q4 => "q4",
        }
    }

    /// Bits of a weight, its share of the scale included.
    #[must_use]
    pub fn bits(self) -> usize {
        32 * (self.value_words(BLOCK) + self.scale_words(BLOCK)) / BLOCK
    }

    /// The value of `FORMAT` in shaders.
    #[must_use]
    pub fn code(self) -> u32 {
        self as u32
    }

    /// What the columns of a matrix must be a multiple of.
    #[must_use]
    pub fn multiple(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 => 8,
            Self::Q8 | Self::Q4 => BLOCK,
        }
    }

    /// Whether rows of so many columns can be packed.
    #[must_use]
    pub fn fits(self, columns: usize) -> bool {
        columns > 0 && columns.is_multiple_of(self.multiple())
    }

    pub(crate) fn check(self, columns: usize) -> Result<(), ShaderError> {
        if self.fits(columns) {
            return Ok(());
        }
        Err(ShaderError::Columns {
            columns,
            format: self,
            multiple: self.multiple(),
        })
    }

    /// Words of the values of `n` weights, without scales.
    #[must_use]
    pub fn value_words(self, n: usize) -> usize {
        match self {
            Self::F32 => n,
            Self::F16 => n / 2,
            Self::Q8 => n / 4,
            Self::Q4 => n / 8,
        }
    }

    /// Words of the scales of `n` weights.
    #[must_use]
    pub fn scale_words(self, n: usize) -> usize {
        match self {
            Self::F32 | Self::F16 => 0,
            Self::Q8 | Self::Q4 => n / BLOCK,
        }
    }

    /// Packs whole rows: the words of the values, and the scales.
    ///
    /// # Errors
    /// [`ShaderError::Columns`] if rows do not fit the format.
    pub fn pack(self, values: &[f32], columns: usize) -> Result<(Vec<u32>, Vec<f32>), ShaderError> {
        self.check(columns)?;
        Ok(match self {
            Self::F32 => (values.iter().map(|x| x.to_bits()).collect(), Vec::new()),
            Self::F16 => {
                let half = |x: f32| u32::from(f16::from_f32(x).to_bits());
                let pairs = values.chunks_exact(2);
                let words = pairs.map(|pair| half(pair[0]) | half(pair[1]) << 16);
                (words.collect(), Vec::new())
            }
            Self::Q8 | Self::Q4 => self.pack_blocks(values),
        })
    }

    fn pack_blocks(self, values: &[f32]) -> (Vec<u32>, Vec<f32>) {
        let mut words = Vec::with_capacity(self.value_words(values.len()));
        let mut scales = Vec::with_capacity(values.len() / BLOCK);
        for block in values.chunks_exact(BLOCK) {
            let heaviest = block
                .iter()
                .copied()
                .fold(0.0_f32, |a, b| if b.abs() > a.abs() { b } else { a });
            if self == Self::Q8 {
                let step = if heaviest == 0.0 {
                    1.0
                } else {
                    127.0 / heaviest.abs()
                };
                let byte = |x: &f32| u32::from((x * step).round() as i8 as u8);
                words.extend(
                    block
                        .chunks_exact(4)
                        .map(|quad| pack(quad.iter().map(byte), 8)),
                );
                scales.push(heaviest.abs());
            } else {
                let step = if heaviest == 0.0 {
                    1.0
                } else {
                    -8.0 / heaviest
                };
                let nibble = |x: &f32| ((x * step).round() + 8.0).clamp(0.0, 15.0) as u32;
                words.extend(
                    block
                        .chunks_exact(8)
                        .map(|eight| pack(eight.iter().map(nibble), 4)),
                );
                scales.push(heaviest / -8.0);
            }
        }
        (words, scales)
    }

    /// What the shader sees: the weights after packing and unpacking.
    ///
    /// # Errors
    /// Those of [`Self::pack`].
    pub fn rounded(self, values: &[f32], columns: usize) -> Result<Vec<f32>, ShaderError> {
        let (words, scales) = self.pack(values, columns)?;
        Ok((0..values.len())
            .map(|i| self.unpack(&words, &scales, i))
            .collect())
    }

    /// Weight `i` of packed ones.
    fn unpack(self, words: &[u32], scales: &[f32], i: usize) -> f32 {
        match self {
            Self::F32 => f32::from_bits(words[i]),
            Self::F16 => f16::from_bits((words[i / 2] >> (16 * (i % 2))) as u16).to_f32(),
            Self::Q8 => {
                let byte = (words[i / 4] >> (8 * (i % 4))) as u8 as i8;
                f32::from(byte) / 127.0 * scales[i / BLOCK]
            }
            Self::Q4 => {
                let nibble = words[i / 8] >> (4 * (i % 8)) & 15;
                (nibble as f32 - 8.0) * scales[i / BLOCK]
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = ShaderError;

    fn from_str(name: &str) -> Result<Self, ShaderError> {
        let known = Self::ALL.into_iter().find(|format| format.name() == name);
        known.ok_or_else(|| ShaderError::UnknownFormat { got: name.into() })
    }
}

/// Joins small numbers, the first in the lowest bits.
fn pack(parts: impl Iterator<Item = u32>, bits: usize) -> u32 {
    parts
        .enumerate()
        .fold(0, |word, (i, part)| word | part << (bits * i))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_errors_are_those_of_the_bits() {
        let values: Vec<f32> = (0..64)
            .map(|i| ((i * 37 % 64) as f32 - 31.0) / 31.0)
            .collect();
        for (format, most) in [
            (Format::F32, 0.0),
            (Format::F16, 5e-4),
            (Format::Q8, 0.5 / 127.0 * 1.04),
            (Format::Q4, 0.5 / 8.0 * 1.04 + 0.07),
        ] {
            let rounded = format.rounded(&values, 32).unwrap();
            let worst = values.iter().zip(&rounded).map(|(a, b)| (a - b).abs());
            let worst = worst.fold(0.0, f32::max);
            assert!(worst <= most, "{format:?}: {worst} is above {most}");
        }
    }

    #[test]
    fn a_block_of_zeros_stays_zero() {
        for format in Format::ALL {
            assert_eq!(format.rounded(&[0.0; 32], 32).unwrap(), [0.0; 32]);
        }
    }

    #[test]
    fn formats_are_read_as_they_are_written() {
        for format in Format::ALL {
            assert_eq!(format.to_string().parse::<Format>().unwrap(), format);
        }
        let error = "int3".parse::<Format>().unwrap_err().to_string();
        assert!(error.contains("int3") && error.contains("q4"), "{error}");
    }

    #[test]
    fn columns_that_do_not_fit_are_named() {
        let error = Format::Q8.pack(&[0.0; 80], 80).unwrap_err().to_string();
        assert!(
            error.contains("80 columns") && error.contains("32"),
            "{error}"
        );
    }
}
