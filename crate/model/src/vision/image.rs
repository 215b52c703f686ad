//! Images as bytes: what a page hands over, and how it becomes what a model reads.
//!
//! No file format is read here; a browser and the trainer decode their own.

use crate::error::ModelError;

/// Channels of every image: red, green, blue.
pub const CHANNELS: usize = 3;

/// An RGB image of 8 bits a channel, row by row from the top left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbImage {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl RgbImage {
    /// Takes `pixels` in the order row, column, channel: [height, width, 3].
    ///
    /// # Errors
    /// [`ModelError::ImageInvalid`] for another number of bytes, or none.
    pub fn new(width: usize, height: usize, pixels: Vec<u8>) -> Result<Self, ModelError> {
        let expected = width
            .checked_mul(height)
            .and_then(|n| n.checked_mul(CHANNELS));
        if expected != Some(pixels.len()) || pixels.is_empty() {
            return Err(ModelError::ImageInvalid {
                width,
                height,
                got: pixels.len(),
            });
        }
        Ok(Self {
            width,
            height,
            pixels,
        })
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// [height, width, 3] bytes.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The image at `side` x `side` pixels; each is the mean of the area it covers, edges by their share.
    ///
    /// An image that is not square is squeezed, not cut; a page that prefers to cut does so first.
    #[must_use]
    pub fn resized(&self, side: usize) -> Self {
        if (self.width, self.height) == (side, side) {
            return self.clone();
        }
        let (columns, rows) = (
            Shares::new(self.width, side),
            Shares::new(self.height, side),
        );
        // One direction after the other: the mean over a rectangle is the mean of means.
        let mut narrow = Vec::with_capacity(self.height * side * CHANNELS);
        for row in self.pixels.chunks_exact(self.width * CHANNELS) {
            for x in 0..side {
                for channel in 0..CHANNELS {
                    let at = |column: usize| f32::from(row[column * CHANNELS + channel]);
                    narrow.push(columns.mean(x, at));
                }
            }
        }
        let width = side * CHANNELS;
        let mut pixels = Vec::with_capacity(side * width);
        for y in 0..side {
            for x in 0..width {
                let mean = rows.mean(y, |row| narrow[row * width + x]);
                pixels.push(mean.round() as u8);
            }
        }
        Self {
            width: side,
            height: side,
            pixels,
        }
    }
}

/// Which source pixels each target pixel covers along one direction.
struct Shares {
    source: usize,
    target: usize,
}

impl Shares {
    fn new(source: usize, target: usize) -> Self {
        Self { source, target }
    }

    /// The mean of `value` over the stretch that target pixel `index` covers.
    fn mean(&self, index: usize, value: impl Fn(usize) -> f32) -> f32 {
        let scale = self.source as f32 / self.target as f32;
        let (begin, end) = (index as f32 * scale, (index + 1) as f32 * scale);
        let first = begin as usize;
        let last = (end.ceil() as usize).min(self.source);
        let total: f32 = (first..last)
            .map(|i| {
                let share = end.min((i + 1) as f32) - begin.max(i as f32);
                share.max(0.0) * value(i)
            })
            .sum();
        total / scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: usize, height: usize, values: &[u8]) -> RgbImage {
        let pixels = values.iter().flat_map(|&v| [v, v, v]).collect();
        RgbImage::new(width, height, pixels).unwrap()
    }

    fn reds(image: &RgbImage) -> Vec<u8> {
        image.pixels().iter().step_by(CHANNELS).copied().collect()
    }

    #[test]
    fn halving_takes_the_mean_of_each_square() {
        let image = grey(4, 2, &[0, 10, 100, 200, 20, 30, 0, 100]);
        assert_eq!(reds(&image.resized(1)), [58]);
        assert_eq!(reds(&image.resized(2)), [5, 150, 25, 50]);
    }

    #[test]
    fn edges_count_by_the_share_that_is_covered() {
        // Three pixels to two: each target covers one and a half.
        let image = grey(3, 3, &[0, 90, 30, 0, 90, 30, 0, 90, 30]);
        assert_eq!(reds(&image.resized(2)), [30, 50, 30, 50]);
    }

    #[test]
    fn enlarging_keeps_the_mean_and_the_same_size_keeps_every_byte() {
        let image = grey(2, 2, &[0, 100, 200, 40]);
        let large = image.resized(4);
        assert_eq!(reds(&large)[..4], [0, 0, 100, 100]);
        assert_eq!(image.resized(2), image);
    }

    #[test]
    fn a_wrong_number_of_bytes_is_refused_with_what_is_allowed() {
        let error = RgbImage::new(32, 32, vec![0; 100]).unwrap_err();
        let message = error.to_string();
        for part in ["32 x 32", "100", "3072"] {
            assert!(message.contains(part), "{message}");
        }
        assert!(RgbImage::new(0, 5, Vec::new()).is_err());
        assert!(RgbImage::new(usize::MAX, 2, vec![0; 6]).is_err());
    }
}
