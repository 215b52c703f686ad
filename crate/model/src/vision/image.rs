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
        check_bytes(width, height, CHANNELS, pixels.len())?;
        Ok(Self {
            width,
            height,
            pixels,
        })
    }

    /// Takes pixels with an alpha channel, not premultiplied, as canvases give them: [height, width, 4].
    /// What is transparent shows white, as on paper.
    ///
    /// # Errors
    /// [`ModelError::ImageInvalid`] for another number of bytes, or none.
    pub fn from_rgba(width: usize, height: usize, rgba: &[u8]) -> Result<Self, ModelError> {
        check_bytes(width, height, CHANNELS + 1, rgba.len())?;
        let pixels = rgba.chunks_exact(CHANNELS + 1).flat_map(|pixel| {
            let alpha = u16::from(pixel[CHANNELS]);
            let over_white = move |value: u8| {
                let sum = u16::from(value) * alpha + 255 * (255 - alpha);
                // Rounded; the sum is at most 255 * 255.
                ((sum + 127) / 255) as u8
            };
            [pixel[0], pixel[1], pixel[2]].map(over_white)
        });
        Self::new(width, height, pixels.collect())
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

    /// The square in the middle at `side` x `side` pixels: what a model that reads squares sees of any image.
    #[must_use]
    pub fn fitted(&self, side: usize) -> Self {
        self.middle_square().resized(side)
    }

    /// As much of the longer direction as the shorter one has, from the middle.
    fn middle_square(&self) -> Self {
        let side = self.width.min(self.height);
        let (left, top) = ((self.width - side) / 2, (self.height - side) / 2);
        let rows = self.pixels.chunks_exact(self.width * CHANNELS);
        let kept = rows
            .skip(top)
            .take(side)
            .flat_map(|row| &row[left * CHANNELS..(left + side) * CHANNELS]);
        Self {
            width: side,
            height: side,
            pixels: kept.copied().collect(),
        }
    }

    /// The image at `side` x `side` pixels; each is the mean of the area it covers, edges by their share.
    ///
    /// An image that is not square is squeezed, not cut; [`Self::fitted`] cuts.
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

fn check_bytes(width: usize, height: usize, channels: usize, got: usize) -> Result<(), ModelError> {
    let expected = width
        .checked_mul(height)
        .and_then(|n| n.checked_mul(channels));
    match expected == Some(got) && got > 0 {
        true => Ok(()),
        false => Err(ModelError::ImageInvalid {
            width,
            height,
            channels,
            got,
        }),
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
    fn fitting_takes_the_middle_of_what_is_not_square() {
        let wide = grey(4, 2, &[9, 0, 10, 9, 9, 20, 30, 9]);
        assert_eq!(reds(&wide.fitted(2)), [0, 10, 20, 30]);
        assert_eq!(reds(&wide.fitted(1)), [15]);
        let tall = grey(1, 3, &[1, 2, 3]);
        assert_eq!(reds(&tall.fitted(1)), [2]);
    }

    #[test]
    fn what_is_transparent_shows_white() {
        let rgba = [10, 20, 30, 255, 10, 20, 30, 0, 0, 255, 100, 128];
        let image = RgbImage::from_rgba(3, 1, &rgba).unwrap();
        assert_eq!(image.pixels(), [10, 20, 30, 255, 255, 255, 127, 255, 177]);
        let message = RgbImage::from_rgba(2, 1, &rgba).unwrap_err().to_string();
        for part in ["2 x 1", "12 bytes", "allowed is 8 (4 for each pixel"] {
            assert!(message.contains(part), "{message}");
        }
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
