//! How text is cut, that it comes back, and that the same text gives the same vocabulary.

use super::*;

const SAMPLE: &str = "def f(x):\n    if x:\n        return x\n\n    for i in x:\n        return f(i)\n\
    L'homme qu'il a vu, l'eau d'ici.\nWhat is 112 + 112?\nthe cat's hat, 'my' hat; don't, the hat\n";

fn trained() -> TextTokenizer {
    TextTokenizer::train(&[SAMPLE, SAMPLE], 300).unwrap()
}

/// The pieces that a text is cut into before any merge.
fn pieces(text: &str) -> Vec<String> {
    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};
    let mut cut = PreTokenizedString::from(text);
    untrained()
        .unwrap()
        .get_pre_tokenizer()
        .unwrap()
        .pre_tokenize(&mut cut)
        .unwrap();
    let splits = cut.get_splits(OffsetReferential::Original, OffsetType::Byte);
    splits
        .into_iter()
        .map(|(_, (begin, end), _)| text[begin..end].to_owned())
        .collect()
}

#[test]
fn text_is_cut_into_words_digits_signs_and_indentation() {
    assert_eq!(
        pieces("the cat's 12 hats--\n"),
        ["the", " cat", "'s", " ", "1", "2", " hats", "--", "\n"]
    );
    assert_eq!(
        pieces("x:\n\n        return 'my'"),
        ["x", ":", "\n\n       ", " return", " '", "my", "'"]
    );
    assert_eq!(
        pieces("L'eau qu'il d\u{e9}j\u{e0} l'a"),
        ["L'", "eau", " qu'", "il", " d\u{e9}j\u{e0}", " l'", "a"]
    );
    assert_eq!(pieces("a   b\n c \n"), ["a", "  ", " b", "\n", " c", " \n"]);
}

#[test]
fn any_text_comes_back_as_it_was() {
    let tokenizer = trained();
    for text in [
        SAMPLE,
        "na\u{ef}ve \u{1f389}\t\u{ab}\u{a0}oui\u{a0}\u{bb}\r\n",
        " ",
        "\n\n  \n",
        "<p>&amp;</p>",
        "",
    ] {
        let tokens = tokenizer.encode(text).unwrap();
        assert_eq!(tokens[0], DOCUMENT_ID);
        assert!(!tokens[1..].contains(&DOCUMENT_ID));
        assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
    }
}

#[test]
fn the_vocabulary_has_the_document_token_then_bytes_then_merges() {
    let tokenizer = trained();
    assert_eq!(tokenizer.vocab_size(), 300);
    assert_eq!(
        tokenizer.inner.id_to_token(0).as_deref(),
        Some(DOCUMENT_TOKEN)
    );
    for id in 1..257 {
        assert_eq!(tokenizer.inner.id_to_token(id).unwrap().chars().count(), 1);
    }
    assert!(tokenizer.encode("return").unwrap().len() < 1 + "return".len());
}

#[test]
fn the_same_sample_gives_the_same_file() {
    assert_eq!(trained().json(), trained().json());
    assert_eq!(trained().hash(), trained().hash());
    let read_back = TextTokenizer::from_json(trained().json().to_owned()).unwrap();
    assert_eq!(
        read_back.encode(SAMPLE).unwrap(),
        trained().encode(SAMPLE).unwrap()
    );
}

#[test]
fn digits_never_merge() {
    let tokenizer = trained();
    let with_digits = (0..300).filter_map(|id| tokenizer.inner.id_to_token(id));
    assert!(
        with_digits
            .filter(|token| token.chars().any(|c| c.is_ascii_digit()))
            .all(|t| t.len() == 1)
    );
}

#[test]
fn documents_follow_each_other_with_a_report_of_all_bytes() {
    let tokenizer = trained();
    let documents = ["the hat".to_owned(), "l'eau".to_owned()];
    let mut last = (0, 0);
    let stream = tokenizer
        .encode_documents(&documents, "t", &mut |p| last = (p.done, p.total))
        .unwrap();
    let apart = [
        tokenizer.encode("the hat").unwrap(),
        tokenizer.encode("l'eau").unwrap(),
    ]
    .concat();
    assert_eq!(stream, apart);
    assert_eq!(last, (12, 12));
}

#[test]
fn a_sample_takes_the_same_bytes_from_each_domain() {
    let long: Vec<String> = (0..50).map(|n| format!("{n:010}")).collect();
    let short = vec!["little".to_owned()];
    let domains = [long, short];
    let sample = balanced_sample(&domains, 100, 1);
    assert_eq!(sample.iter().filter(|text| text.len() == 10).count(), 10);
    assert_eq!(sample.last(), Some(&"little"));
    assert_eq!(sample, balanced_sample(&domains, 100, 1));
    assert_ne!(sample, balanced_sample(&domains, 100, 2));
}

#[test]
fn bad_vocabularies_are_refused() {
    let message = |size| {
        TextTokenizer::train(&[SAMPLE], size)
            .unwrap_err()
            .to_string()
    };
    assert!(message(256).contains("got 256, allowed is 257 to 65536"));
    assert!(message(65_000).contains("of 65000 vocabulary entries"));
    let other = trained().json().replace(DOCUMENT_TOKEN, "<|end|>");
    assert!(
        TextTokenizer::from_json(other)
            .unwrap_err()
            .to_string()
            .contains("id of <|doc|>: got None")
    );
    assert!(TextTokenizer::from_json("{".to_owned()).is_err());
    assert!(
        trained()
            .decode(&[300])
            .unwrap_err()
            .to_string()
            .contains("got 300, allowed is 0 to 299")
    );
}
