//! Shards are encoded once, read back the same, and never trusted when damaged.

use super::*;
use crate::testing::{TemporaryFolder, write_split};
use crate::tokenizer::DOCUMENT_ID;

const TEXT: &str = "a rose is a rose is a rose\n<|doc|>\nla rose est une rose\n";

/// A data folder with one domain, its tokenizer and an empty cache.
fn prepared(folder: &Path) -> (DataFolder, TextTokenizer, ShardCache) {
    write_split(folder, "tales", "train", TEXT);
    let data = DataFolder::at(folder.to_path_buf()).unwrap();
    let tokenizer = TextTokenizer::train(&[TEXT], 260).unwrap();
    (data, tokenizer, ShardCache::at(folder.join("cache")))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn a_shard_is_encoded_once_and_then_read() {
    let folder = TemporaryFolder::new();
    let (data, tokenizer, cache) = prepared(folder.path());
    let mut reports = Vec::new();
    let mut load = || {
        let mut on_progress = |p: &crate::progress::Progress<'_>| reports.push((p.done, p.total));
        cache
            .load_or_encode(&data, &tokenizer, "tales", Split::Train, &mut on_progress)
            .unwrap()
    };
    let (first, second) = (load(), load());
    assert_eq!(first, second);
    assert_eq!(reports, [(46, 46)], "the second load encodes nothing");
    assert_eq!((first.text_bytes, first.documents), (46, 2));
    assert_eq!(first.tokens[0], DOCUMENT_ID);
    assert_eq!(
        first
            .tokens
            .iter()
            .filter(|&&token| token == DOCUMENT_ID)
            .count(),
        2
    );
    assert_eq!(
        tokenizer.decode(&first.tokens).unwrap(),
        "a rose is a rose is a rosela rose est une rose"
    );
}

#[test]
fn changed_text_is_encoded_again() {
    let folder = TemporaryFolder::new();
    let (data, tokenizer, cache) = prepared(folder.path());
    let load = || {
        cache
            .load_or_encode(&data, &tokenizer, "tales", Split::Train, &mut |_| {})
            .unwrap()
    };
    let before = load();
    write_split(folder.path(), "tales", "train", "another text\n");
    assert_ne!(load().tokens, before.tokens);
    assert_eq!(
        files(&folder.path().join("cache").join(tokenizer.hash())).len(),
        2
    );
}

#[test]
fn a_damaged_cache_file_is_named() {
    let folder = TemporaryFolder::new();
    let (data, tokenizer, cache) = prepared(folder.path());
    let load = || cache.load_or_encode(&data, &tokenizer, "tales", Split::Train, &mut |_| {});
    let shard = load().unwrap();
    let path = files(&folder.path().join("cache").join(tokenizer.hash())).remove(0);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 2]).unwrap();
    let message = load().unwrap_err().to_string();
    let (found, said) = (shard.tokens.len() - 1, shard.tokens.len());
    assert!(
        message.contains(&format!("got {found} tokens, the header says {said}")),
        "{message}"
    );
    assert!(message.contains("delete the file"), "{message}");
    std::fs::write(&path, b"something else").unwrap();
    assert!(load().unwrap_err().to_string().contains("header"));
}

#[test]
fn bits_per_byte_are_paid_by_tokens_and_counted_by_bytes() {
    let shard = Shard {
        domain: "tales".to_owned(),
        split: Split::Test,
        tokens: vec![0, 1, 2, 3].into(),
        text_bytes: 12,
        documents: 1,
    };
    // Three tokens of four bits each over twelve bytes.
    assert!((shard.bits_per_byte(3.0 * 16_f64.ln()) - 1.0).abs() < 1e-12);
    assert!((shard.bytes_per_token() - 3.0).abs() < 1e-12);
}

#[test]
fn the_cache_folder_follows_the_environment() {
    let choose =
        |cache: &str, home: &str| ShardCache::choose(Some(cache.into()), Some(home.into()));
    assert_eq!(
        choose("/c", "/h").unwrap().folder,
        Path::new("/c/moescope/data")
    );
    assert_eq!(
        choose("", "/h").unwrap().folder,
        Path::new("/h/.cache/moescope/data")
    );
    assert!(matches!(choose("", ""), Err(TrainError::NoCacheFolder)));
}
