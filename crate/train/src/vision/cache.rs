//! Decoded images, kept in a cache folder beside the token streams.
//!
//! File: 8 bytes `MOEIMGS1`, then N, side and channels as little-endian u64, N labels, then the pixels.
//! Its name carries a hash of the packed files: what has changed is decoded again, by itself.

use std::path::Path;

use super::sets::{ImageFolder, ImageSet, SetInfo, decode};
use crate::TrainError;
use crate::data::Split;
use crate::run::io;
use crate::shards::ShardCache;
use crate::tokenizer::short_hash;

const MAGIC: &[u8; 8] = b"MOEIMGS1";
const HEADER_BYTES: usize = 32;

/// One split of a set, read from the cache or decoded and put there.
///
/// # Errors
/// Missing or damaged images, a damaged cache file, or a folder that cannot be written.
pub fn load_images(
    cache: &ShardCache,
    folder: &ImageFolder,
    set: &SetInfo,
    split: Split,
) -> Result<ImageSet, TrainError> {
    let packed = folder.packed(set, split)?;
    let hashes: Vec<String> = packed.iter().map(|file| short_hash(&file.bytes)).collect();
    let name = format!("{}-{}.images", set.name, hashes.join("-"));
    let path = cache.folder().join("images").join(name);
    let whole = if path.is_file() {
        let bytes = std::fs::read(&path).map_err(io("read", &path))?;
        parse(set, &bytes).map_err(|problem| TrainError::ShardInvalid {
            path: path.clone(),
            problem,
        })?
    } else {
        let whole = decode(set, &packed)?;
        write(&path, &whole)?;
        whole
    };
    Ok(whole.of_split(split))
}

fn write(path: &Path, set: &ImageSet) -> Result<(), TrainError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(io("create the folder of", path))?;
    }
    let mut bytes = MAGIC.to_vec();
    for number in [set.len(), set.side, set.channels] {
        bytes.extend((number as u64).to_le_bytes());
    }
    bytes.extend(&set.labels);
    bytes.extend(&set.pixels);
    // Written beside and renamed, so that a killed run leaves no half file under the final name.
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&beside, bytes).map_err(io("write", &beside))?;
    std::fs::rename(&beside, path).map_err(io("write", path))
}

fn parse(set: &SetInfo, bytes: &[u8]) -> Result<ImageSet, String> {
    let (header, body) = bytes
        .split_at_checked(HEADER_BYTES)
        .filter(|(header, _)| header.starts_with(MAGIC))
        .ok_or("does not begin with the header of an image file")?;
    let number = |index: usize| {
        let mut field = [0; 8];
        field.copy_from_slice(&header[8 * index..8 * index + 8]);
        u64::from_le_bytes(field) as usize
    };
    let [n, side, channels] = [number(1), number(2), number(3)];
    let expected = [n, side, side, channels]
        .iter()
        .try_fold(1_usize, |product, &factor| product.checked_mul(factor))
        .and_then(|pixels| pixels.checked_add(n));
    if expected != Some(body.len()) {
        let found = body.len();
        return Err(format!(
            "has {found} bytes for {n} images of {side} x {side} x {channels}"
        ));
    }
    Ok(ImageSet {
        name: set.name.to_owned(),
        side,
        channels,
        labels: body[..n].to_vec(),
        pixels: body[n..].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{TemporaryFolder, write_mnist};

    #[test]
    fn images_are_decoded_once_and_damage_is_named() {
        let folder = TemporaryFolder::new();
        write_mnist(folder.path(), "mnist", "t10k", 3);
        let images = ImageFolder::at(folder.path().to_path_buf()).unwrap();
        let cache = ShardCache::at(folder.path().join("cache"));
        let set = SetInfo::named("mnist").unwrap();
        let load = || load_images(&cache, &images, set, Split::Test);
        let first = load().unwrap();
        assert_eq!(first, images.read(set, Split::Test).unwrap());

        let mut files = std::fs::read_dir(cache.folder().join("images")).unwrap();
        let path = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none());
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[HEADER_BYTES] = 9;
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(
            load().unwrap().labels[0],
            9,
            "the second load reads the cache"
        );
        std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        let message = load().unwrap_err().to_string();
        assert!(message.contains("for 3 images of 28 x 28 x 1"), "{message}");
        assert!(message.contains("delete the file"), "{message}");

        write_mnist(folder.path(), "mnist", "t10k", 4);
        assert_eq!(load().unwrap().len(), 4, "changed files are decoded again");
    }
}
