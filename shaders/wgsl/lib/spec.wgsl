// Where the fields of a packed RouterSpec stand (crate/routing/src/packed.rs), and what its codes mean.
// A list is two words, its start within the spec and its length; tests hold these places to the Rust side.
const AT_TEMPERATURE = 0u;
const AT_OFFSETS = 1u;
const AT_NOISE = 3u;
const AT_NOISE_KIND = 4u;
const AT_JITTER = 5u;
const AT_NULL_RULE = 6u;
const AT_NULL_LOGIT = 7u;
const AT_NULL_EXPERTS = 8u;
const AT_SCORE = 9u;
const AT_BIAS = 11u;
const AT_DISABLED = 13u;
const AT_DISABLED_KEEP = 15u;
const AT_FORCED = 16u;
const AT_COUNT_FORCED = 18u;
const AT_N_GROUPS = 19u;
const AT_TOPK_GROUPS = 20u;
const AT_GROUP_SCORE = 21u;
const AT_GROUP_FILL = 22u;
const AT_PRUNE_RATIO = 23u;
const AT_PRUNE_SHARE = 24u;
const AT_LAYER_THRESHOLDS = 25u;
const AT_LAYER_IMPORTANCE = 27u;
const AT_PER_TOKEN = 31u;
const AT_WEIGHTS = 37u;
const AT_RENORMALIZE = 38u;
const AT_SUM_OVER = 39u;
const AT_EPSILON = 40u;
const AT_MIN_SUM = 41u;
const AT_SCALE = 42u;
const AT_MIXER_JITTER = 43u;
const AT_SEED = 44u;
const AT_METHOD = 45u;
/// Settings of the method: top k, share or threshold first, then bounds or the margin.
const AT_SETTING = 46u;

const TOP_K_METHOD = 0u;
const TOP_P_METHOD = 1u;
const THRESHOLD_METHOD = 2u;
const MIN_P_METHOD = 3u;
const GAP_METHOD = 4u;
const RANDOM_METHOD = 5u;
const RANK_METHOD = 6u;
const HASH_METHOD = 9u;
const ROUND_ROBIN_METHOD = 10u;
const REPLAY_METHOD = 11u;
const PREVIOUS_LAYER_METHOD = 12u;
const STICKY_METHOD = 13u;
const N_SIGMA_METHOD = 16u;

// Verdicts.
const SELECTED = 0u;
const FORCED = 1u;
const OUTSIDE_TOP_K = 2u;
const DISABLED = 3u;
const MASKED_BY_GATE = 4u;
const OUTSIDE_GROUPS = 5u;
const OUTSIDE_TOP_P = 6u;
const BELOW_THRESHOLD = 7u;
const AFTER_GAP = 8u;
const NOT_PICKED = 9u;
const BEATEN_BY_NULL = 11u;
const PRUNED = 12u;
const BELOW_LAYER_THRESHOLD = 13u;
const OVER_TOKEN_LIMIT = 15u;

/// Where the spec of this layer starts in `run`.
var<private> spec: u32;

fn whole(at: u32) -> u32 {
    return run[spec + at];
}

fn real(at: u32) -> f32 {
    return bitcast<f32>(run[spec + at]);
}

/// Entry `i` of the list at `at`, as its word.
fn entry(at: u32, i: u32) -> u32 {
    return run[spec + whole(at) + i];
}

fn contains(at: u32, wanted: u32) -> bool {
    for (var i = 0u; i < whole(at + 1u); i++) {
        if entry(at, i) == wanted {
            return true;
        }
    }
    return false;
}
