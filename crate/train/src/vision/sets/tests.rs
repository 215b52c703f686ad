//! Sets are read from small files packed here, and refused with the reason when they are damaged.

use super::*;
use crate::testing::{TemporaryFolder, idx, pack_gzip, pack_xz, tar, write_mnist};

/// A grey JPEG image of 32 x 32, every pixel 128: the smallest baseline file, its tables included.
fn grey_jpeg(side: u8) -> Vec<u8> {
    let mut jpeg = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    jpeg.extend([1; 64]);
    jpeg.extend([0xff, 0xc0, 0, 11, 8, 0, side, 0, side, 1, 1, 0x11, 0]);
    // One code of one bit in either table: a difference of zero, and the end of a block.
    for table in [0x00, 0x10] {
        jpeg.extend([0xff, 0xc4, 0, 20, table, 1]);
        jpeg.extend([0; 15]);
        jpeg.push(0);
    }
    jpeg.extend([0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 63, 0]);
    // Two bits a block, all zero; the last byte is filled up with ones.
    let blocks = usize::from(side / 8).pow(2);
    jpeg.extend(vec![0; blocks / 4]);
    jpeg.extend([0xff, 0xd9]);
    jpeg
}

fn read(folder: &TemporaryFolder, set: &str, split: Split) -> Result<ImageSet, TrainError> {
    let images = ImageFolder::at(folder.path().to_path_buf()).unwrap();
    images.read(SetInfo::named(set).unwrap(), split)
}

fn write_cifar(folder: &TemporaryFolder, part: &str, archive: &[u8]) {
    let path = folder.path().join("cifar10");
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join(format!("{part}.tar.xz")), pack_xz(archive)).unwrap();
}

#[test]
fn mnist_is_read_and_set_into_the_middle_of_a_black_square() {
    let folder = TemporaryFolder::new();
    write_mnist(folder.path(), "mnist", "t10k", 2);
    let set = read(&folder, "mnist", Split::Test).unwrap();
    assert_eq!((set.len(), set.side, set.channels), (2, 28, 1));
    let rgb = set.rgb(1, 32);
    assert_eq!(rgb.len(), 32 * 32 * 3);
    let at = |y: usize, x: usize| &rgb[(y * 32 + x) * 3..][..3];
    assert_eq!(at(1, 16), [0; 3]);
    assert_eq!(at(16, 30), [0; 3]);
    let first = set.pixels[28 * 28];
    assert_eq!(at(2, 2), [first; 3]);
    assert_ne!(first, 0);
}

#[test]
fn every_twentieth_training_image_is_for_validation() {
    let folder = TemporaryFolder::new();
    write_mnist(folder.path(), "fashion_mnist", "train", 45);
    let [train, valid] =
        [Split::Train, Split::Valid].map(|split| read(&folder, "fashion_mnist", split).unwrap());
    assert_eq!((train.len(), valid.len()), (42, 3));
    assert_eq!(valid.labels, [0, 0, 0]);
    assert_eq!(train.labels[..3], [1, 2, 3]);
    assert_eq!(valid.rgb(1, 28), read_whole(&folder).rgb(20, 28));
}

fn read_whole(folder: &TemporaryFolder) -> ImageSet {
    let images = ImageFolder::at(folder.path().to_path_buf()).unwrap();
    let set = SetInfo::named("fashion_mnist").unwrap();
    decode(set, &images.packed(set, Split::Train).unwrap()).unwrap()
}

#[test]
fn cifar_is_read_from_an_archive_of_jpegs_and_labelled_by_folder() {
    let folder = TemporaryFolder::new();
    let jpeg = grey_jpeg(32);
    write_cifar(
        &folder,
        "test",
        &tar(&[("test/cat/0000.jpg", &jpeg), ("test/truck/0001.jpg", &jpeg)]),
    );
    let set = read(&folder, "cifar10", Split::Test).unwrap();
    assert_eq!(set.labels, [3, 9]);
    assert_eq!(
        (set.side, set.channels, set.pixels.len()),
        (32, 3, 2 * 32 * 32 * 3)
    );
    assert!(
        set.pixels.iter().all(|&pixel| pixel == 128),
        "{:?}",
        &set.pixels[..12]
    );
}

#[test]
fn what_does_not_belong_into_cifar_is_named() {
    let (jpeg, small) = (grey_jpeg(32), grey_jpeg(16));
    let cases: [(&str, &[u8], &str); 3] = [
        (
            "test/horsefly/0.jpg",
            &jpeg,
            "has the class \"horsefly\"; allowed are [\"airplane\"",
        ),
        (
            "test/cat/0.jpg",
            &small,
            "is of size 16 x 16; allowed is 32 x 32",
        ),
        (
            "test/cat/0.jpg",
            &jpeg[..60],
            "test/cat/0.jpg: no JPEG image",
        ),
    ];
    for (name, contents, reason) in cases {
        let folder = TemporaryFolder::new();
        write_cifar(&folder, "test", &tar(&[(name, contents)]));
        let message = read(&folder, "cifar10", Split::Test)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(reason) && message.contains("test.tar.xz"),
            "{message}"
        );
    }
}

#[test]
fn missing_and_mismatched_files_are_named() {
    let folder = TemporaryFolder::new();
    let message = read(&folder, "mnist", Split::Train)
        .unwrap_err()
        .to_string();
    for part in [
        "train-images-idx3-ubyte.gz does not exist",
        "train.tar.xz",
        "licences",
    ] {
        assert!(message.contains(part), "{message}");
    }
    write_mnist(folder.path(), "mnist", "t10k", 5);
    let labels = folder.path().join("mnist/t10k-labels-idx1-ubyte.gz");
    std::fs::write(&labels, pack_gzip(&idx(&[4], &[0, 1, 2, 3]))).unwrap();
    let message = read(&folder, "mnist", Split::Test).unwrap_err().to_string();
    assert!(
        message.contains("has [4] labels for images of [5, 28, 28]"),
        "{message}"
    );
    std::fs::write(&labels, pack_gzip(&idx(&[5], &[0, 1, 2, 3, 10]))).unwrap();
    let message = read(&folder, "mnist", Split::Test).unwrap_err().to_string();
    assert!(
        message.contains("label 10; allowed are 0 to 9"),
        "{message}"
    );
    assert!(ImageFolder::at(folder.path().join("nowhere")).is_err());
    assert!(SetInfo::named("imagenet").is_none());
}
