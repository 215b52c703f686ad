//! Random changes of a training image that leave its class alone.
//!
//! Everything is drawn from a generator of the image's own, so that a resumed run draws the same.
//! Order: crop with padding, mirror (Krizhevsky et al. 2012), contrast and brightness, erase
//! (`DeVries` and Taylor 2017, arXiv:1708.04552, with half the images left whole).

use crate::shuffle::SplitMix64;

use super::recipe::AugmentRecipe;

/// Changes an RGB image of `side` x `side` pixels; `mirror` allows exchanging left and right.
///
/// # Shapes
/// `rgb`: [side, side, 3], returns the same.
pub fn augment(
    recipe: &AugmentRecipe,
    random: &mut SplitMix64,
    rgb: &[u8],
    side: usize,
    mirror: bool,
) -> Vec<u8> {
    let shift = 2 * recipe.crop_padding as u64 + 1;
    let (down, right) = (random.below(shift) as usize, random.below(shift) as usize);
    let mirror = random.below(2) == 1 && mirror;
    let contrast = 1.0 + recipe.contrast * signed(random);
    let brightness = 255.0 * recipe.brightness * signed(random);
    let mut out = vec![0; rgb.len()];
    for y in 0..side {
        for x in 0..side {
            let column = if mirror { side - 1 - x } else { x };
            let from = (y + down).checked_sub(recipe.crop_padding);
            let from = from.zip((column + right).checked_sub(recipe.crop_padding));
            let Some((row, column)) = from.filter(|&(r, c)| r < side && c < side) else {
                continue;
            };
            for channel in 0..3 {
                let value = f64::from(rgb[(row * side + column) * 3 + channel]);
                let value = (value - 127.5) * contrast + 127.5 + brightness;
                out[(y * side + x) * 3 + channel] = value.round().clamp(0.0, 255.0) as u8;
            }
        }
    }
    erase(recipe.erase_side, random, &mut out, side);
    out
}

/// Blackens a square whose middle may be anywhere, in half of all cases.
fn erase(square: usize, random: &mut SplitMix64, rgb: &mut [u8], side: usize) {
    let (middle_y, middle_x) = (random.below(side as u64), random.below(side as u64));
    if random.below(2) == 0 || square == 0 {
        return;
    }
    let stretch = |middle: u64| {
        let begin = middle as usize + side - square / 2;
        begin.saturating_sub(side)..(begin + square - side).min(side)
    };
    for y in stretch(middle_y) {
        for x in stretch(middle_x) {
            rgb[(y * side + x) * 3..][..3].fill(0);
        }
    }
}

/// A number from -1 to 1.
fn signed(random: &mut SplitMix64) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 8;
    const NONE: AugmentRecipe = AugmentRecipe {
        crop_padding: 0,
        brightness: 0.0,
        contrast: 0.0,
        erase_side: 0,
        label_smoothing: 0.0,
    };

    /// An image whose reds are their own places, from 1.
    fn image() -> Vec<u8> {
        (0..SIDE * SIDE)
            .flat_map(|i| [i as u8 + 1, 50, 200])
            .collect()
    }

    fn variants(recipe: &AugmentRecipe, mirror: bool) -> Vec<Vec<u8>> {
        (0..200)
            .map(|seed| augment(recipe, &mut SplitMix64::new(seed), &image(), SIDE, mirror))
            .collect()
    }

    fn red(rgb: &[u8], y: usize, x: usize) -> usize {
        usize::from(rgb[(y * SIDE + x) * 3])
    }

    #[test]
    fn without_any_change_allowed_the_image_stays() {
        assert!(variants(&NONE, false).iter().all(|rgb| *rgb == image()));
    }

    #[test]
    fn mirroring_exchanges_left_and_right_in_half_of_the_images() {
        let mirrored = variants(&NONE, true)
            .iter()
            .filter(|rgb| red(rgb, 0, 0) == SIDE)
            .count();
        assert!((70..130).contains(&mirrored), "{mirrored} of 200");
    }

    #[test]
    fn a_crop_moves_the_image_by_up_to_its_padding_and_fills_with_black() {
        let recipe = AugmentRecipe {
            crop_padding: 2,
            ..NONE
        };
        let mut seen = [[false; 5]; 5];
        for rgb in variants(&recipe, false) {
            // The pixel at (4, 4) tells where it came from.
            let place = red(&rgb, 4, 4) - 1;
            let (down, right) = (place / SIDE, place % SIDE);
            seen[down - 2][right - 2] = true;
            if down == 6 {
                assert_eq!(red(&rgb, SIDE - 1, 4), 0);
            }
        }
        assert_eq!(seen, [[true; 5]; 5]);
    }

    #[test]
    fn erasing_blackens_a_square_and_spares_half_of_the_images() {
        let recipe = AugmentRecipe {
            erase_side: 4,
            ..NONE
        };
        let black = |rgb: &Vec<u8>| {
            rgb.chunks_exact(3)
                .filter(|pixel| **pixel == [0; 3])
                .count()
        };
        let counts: Vec<usize> = variants(&recipe, false).iter().map(black).collect();
        let whole = counts.iter().filter(|&&n| n == 0).count();
        assert!((70..130).contains(&whole), "{whole} of 200");
        assert_eq!(counts.iter().max(), Some(&16));
        assert!(
            counts.iter().filter(|&&n| n > 0).all(|&n| n >= 4),
            "a quarter at least"
        );
    }

    #[test]
    fn brightness_and_contrast_stay_within_their_bounds() {
        let recipe = AugmentRecipe {
            brightness: 0.1,
            contrast: 0.2,
            ..NONE
        };
        let greens: Vec<u8> = variants(&recipe, false).iter().map(|rgb| rgb[1]).collect();
        // 50 becomes 127.5 - 77.5 c + b with c from 0.8 to 1.2 and b from -25.5 to 25.5.
        let (low, high) = (greens.iter().min(), greens.iter().max());
        assert!(low >= Some(&9) && low < Some(&20), "{low:?}");
        assert!(high <= Some(&91) && high > Some(&80), "{high:?}");
    }
}
