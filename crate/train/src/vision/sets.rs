//! The three image sets, from packed files to bytes in memory.
//!
//! An image folder holds `mnist/` and `fashion_mnist/` with the four IDX files of MNIST packed with gzip, and
//! `cifar10/` with `train.tar.xz` and `test.tar.xz`, archives of `<split>/<class>/<number>.jpg`.
//! Nothing is downloaded here.
//! Validation is every twentieth image of the training files, which training then leaves out.

use std::io::Read;
use std::path::{Path, PathBuf};

use lzma_rust2::XzReader;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::{idx, tar};
use crate::TrainError;
use crate::data::{DATA_VARIABLE, Split};
use crate::run::io;

/// One in so many training images is kept for validation.
const VALID_EVERY: usize = 20;

/// Pixels along one side of every JPEG image.
const JPEG_SIDE: usize = 32;

/// What an image folder holds and where it comes from, for error messages.
pub const IMAGE_LAYOUT: &str = "The folder holds mnist/ and fashion_mnist/ with \
    train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz and the same for t10k, \
    and cifar10/ with train.tar.xz and test.tar.xz of <split>/<class>/<number>.jpg. \
    Sources and licences are listed in the cards of the vision models under models/.";

/// What is known of a set before it is read.
#[derive(Debug, PartialEq, Eq)]
pub struct SetInfo {
    /// Its folder.
    pub name: &'static str,
    /// What it calls its ten classes.
    pub labels: [&'static str; 10],
    format: Format,
}

#[derive(Debug, PartialEq, Eq)]
enum Format {
    Idx,
    JpegTar,
}

/// Every set that can be read.
pub const SETS: [SetInfo; 3] = [
    SetInfo {
        name: "cifar10",
        labels: [
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ],
        format: Format::JpegTar,
    },
    SetInfo {
        name: "fashion_mnist",
        labels: [
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ],
        format: Format::Idx,
    },
    SetInfo {
        name: "mnist",
        labels: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        format: Format::Idx,
    },
];

impl SetInfo {
    /// The set of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        SETS.iter().find(|set| set.name == name)
    }
}

/// The images of one split of a set, as they are in its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageSet {
    /// Name of the set.
    pub name: String,
    /// Pixels along one side.
    pub side: usize,
    /// 1 for grey, 3 for RGB.
    pub channels: usize,
    /// [N, side, side, channels]
    pub pixels: Vec<u8>,
    /// [N] 0 to 9.
    pub labels: Vec<u8>,
}

impl ImageSet {
    /// N.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Image `index` in RGB, in the middle of a black square of `side` pixels, if it is not larger.
    ///
    /// # Shapes
    /// returns [side, side, 3]
    pub fn rgb(&self, index: usize, side: usize) -> Vec<u8> {
        let size = self.side * self.side * self.channels;
        let image = &self.pixels[index * size..(index + 1) * size];
        let border = side.saturating_sub(self.side) / 2;
        let mut rgb = vec![0; side * side * 3];
        for (y, row) in image.chunks_exact(self.side * self.channels).enumerate() {
            for (x, pixel) in row.chunks_exact(self.channels).enumerate() {
                let at = ((y + border) * side + x + border) * 3;
                for channel in 0..3 {
                    rgb[at + channel] = pixel[channel % self.channels];
                }
            }
        }
        rgb
    }

    /// The images that a split keeps of the files it is read from.
    pub(super) fn of_split(self, split: Split) -> Self {
        let kept: Vec<usize> = (0..self.len())
            .filter(|index| match split {
                Split::Train => index % VALID_EVERY != 0,
                Split::Valid => index % VALID_EVERY == 0,
                Split::Test => true,
            })
            .collect();
        let size = self.side * self.side * self.channels;
        let pixels = kept
            .iter()
            .flat_map(|&i| &self.pixels[i * size..(i + 1) * size]);
        Self {
            pixels: pixels.copied().collect(),
            labels: kept.iter().map(|&i| self.labels[i]).collect(),
            ..self
        }
    }
}

/// A folder with image sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFolder {
    root: PathBuf,
}

impl ImageFolder {
    /// The folder given as an option, or else `images` in the one that `MOESCOPE_DATA` names.
    ///
    /// # Errors
    /// Neither is given, or it is no folder.
    pub fn find(option: Option<&Path>) -> Result<Self, TrainError> {
        let variable = std::env::var_os(DATA_VARIABLE).filter(|value| !value.is_empty());
        let in_data = variable.map(|data| Path::new(&data).join("images"));
        match option.map(Path::to_path_buf).or(in_data) {
            Some(root) => Self::at(root),
            None => Err(TrainError::DataNotSet {
                variable: DATA_VARIABLE,
                layout: IMAGE_LAYOUT,
            }),
        }
    }

    /// This folder.
    ///
    /// # Errors
    /// It is no folder.
    pub fn at(root: PathBuf) -> Result<Self, TrainError> {
        match root.is_dir() {
            true => Ok(Self { root }),
            false => Err(missing(root)),
        }
    }

    /// Reads and decodes one split of a set.
    ///
    /// # Errors
    /// A missing or damaged file, or a class that the set does not have.
    pub fn read(&self, set: &SetInfo, split: Split) -> Result<ImageSet, TrainError> {
        Ok(decode(set, &self.packed(set, split)?)?.of_split(split))
    }

    /// The files that a split is read from, as they are.
    pub(super) fn packed(&self, set: &SetInfo, split: Split) -> Result<Vec<Packed>, TrainError> {
        let is_test = split == Split::Test;
        let names = match (&set.format, is_test) {
            (Format::Idx, false) => {
                vec!["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
            }
            (Format::Idx, true) => vec!["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"],
            (Format::JpegTar, false) => vec!["train.tar.xz"],
            (Format::JpegTar, true) => vec!["test.tar.xz"],
        };
        let read = |name| {
            let path = self.root.join(set.name).join(name);
            if !path.is_file() {
                return Err(missing(path));
            }
            let bytes = std::fs::read(&path).map_err(io("read", &path))?;
            Ok(Packed { path, bytes })
        };
        names.into_iter().map(read).collect()
    }
}

/// A file as it is.
pub(super) struct Packed {
    pub path: PathBuf,
    pub bytes: Vec<u8>,
}

/// Unpacks and decodes the files of a set.
pub(super) fn decode(set: &SetInfo, files: &[Packed]) -> Result<ImageSet, TrainError> {
    match (&set.format, files) {
        (Format::Idx, [images, labels]) => decode_idx(set, images, labels),
        (Format::JpegTar, [archive]) => decode_jpegs(set, archive),
        _ => Err(missing(PathBuf::from(set.name))),
    }
}

fn decode_idx(set: &SetInfo, images: &Packed, labels: &Packed) -> Result<ImageSet, TrainError> {
    let read =
        |file: &Packed| idx::read_idx(&file.bytes).map_err(|problem| invalid(&file.path, problem));
    let (pixels, path) = (read(images)?, &labels.path);
    let labels = read(labels)?;
    let &[n, side, width] = pixels.dims.as_slice() else {
        let problem = format!("has the dimensions {:?}, images have three", pixels.dims);
        return Err(invalid(&images.path, problem));
    };
    if labels.dims != [n] || side != width {
        let problem = format!(
            "has {:?} labels for images of {:?}",
            labels.dims, pixels.dims
        );
        return Err(invalid(path, problem));
    }
    if let Some(label) = labels.values.iter().find(|&&label| label > 9) {
        return Err(invalid(
            path,
            format!("has the label {label}; allowed are 0 to 9"),
        ));
    }
    Ok(ImageSet {
        name: set.name.to_owned(),
        side,
        channels: 1,
        pixels: pixels.values,
        labels: labels.values,
    })
}

fn decode_jpegs(set: &SetInfo, packed: &Packed) -> Result<ImageSet, TrainError> {
    let invalid = |problem: String| invalid(&packed.path, problem);
    let mut archive = Vec::new();
    XzReader::new(packed.bytes.as_slice(), true)
        .read_to_end(&mut archive)
        .map_err(|error| invalid(format!("cannot be unpacked as xz: {error}")))?;
    let files = tar::files(&archive).map_err(invalid)?;
    let mut images = ImageSet {
        name: set.name.to_owned(),
        side: JPEG_SIDE,
        channels: 3,
        pixels: Vec::with_capacity(files.len() * JPEG_SIDE * JPEG_SIDE * 3),
        labels: Vec::with_capacity(files.len()),
    };
    for (name, jpeg) in files {
        let problem = |problem: String| invalid(format!("{name}: {problem}"));
        images.labels.push(label(set, &name).map_err(problem)?);
        let pixels = decode_jpeg(jpeg).map_err(problem)?;
        images.pixels.extend(pixels);
    }
    Ok(images)
}

/// The class in `<split>/<class>/<number>.jpg`.
fn label(set: &SetInfo, path: &str) -> Result<u8, String> {
    let class = path.rsplit('/').nth(1).unwrap_or_default();
    let index = set.labels.iter().position(|label| *label == class);
    index
        .map(|index| index as u8)
        .ok_or_else(|| format!("has the class {class:?}; allowed are {:?}", set.labels))
}

fn decode_jpeg(jpeg: &[u8]) -> Result<Vec<u8>, String> {
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let pixels = decoder
        .decode()
        .map_err(|error| format!("no JPEG image: {error}"))?;
    let (width, height) = decoder
        .info()
        .map(|info| (usize::from(info.width), usize::from(info.height)))
        .unwrap_or_default();
    if (width, height) == (JPEG_SIDE, JPEG_SIDE) {
        return Ok(pixels);
    }
    Err(format!(
        "is of size {width} x {height}; allowed is {JPEG_SIDE} x {JPEG_SIDE}"
    ))
}

fn missing(path: PathBuf) -> TrainError {
    TrainError::DataMissing {
        path,
        layout: IMAGE_LAYOUT,
    }
}

fn invalid(path: &Path, problem: String) -> TrainError {
    TrainError::DataInvalid {
        path: path.to_path_buf(),
        problem,
    }
}

#[cfg(test)]
mod tests;
