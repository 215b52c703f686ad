//! How a stream of any length is cut into windows that a model can read.

/// Tokens `start..end` of a stream, of which those from `first_counted` are scored.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub start: usize,
    pub first_counted: usize,
    pub end: usize,
}

/// Windows that score every token but the first exactly once; a window has one token more than it reads.
pub(super) fn windows(n_tokens: usize, max_positions: usize) -> Vec<Window> {
    let (longest, stride) = (max_positions + 1, max_positions.div_ceil(2));
    let mut windows = vec![Window {
        start: 0,
        first_counted: 1,
        end: n_tokens.min(longest),
    }];
    let mut end = n_tokens.min(longest);
    while end < n_tokens {
        let next = n_tokens.min(end + stride);
        windows.push(Window {
            start: next.saturating_sub(longest),
            first_counted: end,
            end: next,
        });
        end = next;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_score_every_token_but_the_first_once() {
        for n_tokens in [2, 8, 9, 10, 13, 50] {
            let mut scored = vec![0; n_tokens];
            for window in windows(n_tokens, 8) {
                assert!(window.end - window.start <= 9, "{window:?}");
                assert!(window.start < window.first_counted, "{window:?}");
                for count in &mut scored[window.first_counted..window.end] {
                    *count += 1;
                }
            }
            assert_eq!(scored[0], 0);
            assert!(scored[1..].iter().all(|&count| count == 1), "{scored:?}");
        }
    }
}
