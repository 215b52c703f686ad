"""The worked examples of the papers' spec sheets, with the numbers printed there.

These numbers were computed by neither implementation of this repository.
"""

from math import log


def case(name, fields, logits, experts, weights, **more):
    return dict(name=name, fields=fields, logits=logits,
                expected=dict(experts=experts, weights=weights), tolerance=2e-6, **more)


DEEPSEEK = [[1.0, 0.2, 0.9, 0.8, -0.5, 1.1]]
TOP_P = [[2, 1, 0.5, -1], [0.3, 0.2, 0.1, 0]]
ADAMOE = [[1, 0.4, -0.2, 0.1], [-1, -0.8, -1.2, -0.9]]
ADAMOE_NULLS = dict(null_logits=[[0.3] * 4, [0.5, 0.5, 0.4, 0.4]])
MOTE = [[1.2, 0.9, 0.7, 0.1]]
MODES = [[0.5, 0.3, 0.2]]
MODES_FIELDS = dict(score="identity", top_k=3, sum_over="chosen", layer_thresholds=[0.08, 0.16],
                    layer_importance=[0.6, 0.3, 0.1, 0.6, 0.3, 0.1])
ODP = [[0.45, 0.25, 0.0], [0.40, 0.10, 0.0], [0.30, 0.28, 0.0], [0.50, 0.20, 0.0]]
GUMBEL = [-0.185627, 1.030930, 0.366513, 2.250367]
EVOMOE = [[1, 0.5, 0, -0.5]]
GATES = [[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.55, 0.25, 0.2], [0.9, 0.05, 0.05]]
PLAIN = dict(score="identity", renormalize=False)
DYNMOE = dict(score="sigmoid", selection_bias=[-0.622459, -0.5, -0.574443], method="threshold",
              threshold=0.0, min_experts=1, weights="equal")


def modes(modality, layer, kept):
    return case(f"06_modes_{modality}_{layer}", MODES_FIELDS, MODES,
                [list(range(kept))], [[0.5, 0.3, 0.2][:kept]], layer=layer,
                context=dict(modality=[modality]))


def top_p(p, first, second, weights=None):
    probabilities = [[.609460, .224208, .135989, .030343], [.288651, .261183, .236328, .213838]]
    weights = [row[:n] for row, n in zip(probabilities, (first, second))]
    return case(f"02_top_p_{p}", dict(method="top_p", top_p=p, renormalize=False), TOP_P,
                [list(range(first)), list(range(second))], weights)


def nulls(c, experts, weights):
    fields = dict(top_k=4, null_rule="constant", null_logit=c, null_experts=4)
    return case(f"03_constant_null_{c}", fields, ADAMOE[:1], [experts], [weights])


def rewire(step, delta, weights):
    return case(f"13_rewiring_{step}", dict(top_k=2, offsets=delta), [[1, 0.8, 0.2]], [[0, 1]],
                [weights])


def evomoe(tau, experts, weights):
    fields = dict(temperature=tau, offsets=GUMBEL, method="threshold", threshold=0.001,
                  renormalize=False)
    return case(f"16_evomoe_{tau}", fields, EVOMOE, [experts], [weights])


WORKED = [
    case("01_deepseek_v2", dict(top_k=2, n_groups=3, topk_groups=1, renormalize=False), DEEPSEEK,
         [[5, 4]], [[.245528, .049571]]),
    case("01_plain_top_2", dict(top_k=2), DEEPSEEK, [[5, 0]], [[.524979, .475021]]),
    case("01_deepseek_v3", dict(top_k=2, score="sigmoid", n_groups=3, topk_groups=2,
                                group_score="top2_sum", scale=2.5,
                                selection_bias=[0, 0, 0, .3, 0, -.4]), DEEPSEEK,
         [[3, 0]], [[1.213861, 1.286139]]),
    top_p(0.4, 1, 2), top_p(0.6, 1, 3), top_p(0.8, 2, 4), top_p(1.0, 4, 4),
    case("03_adamoe", dict(top_k=3, null_rule="learned", null_experts=4), ADAMOE,
         [[0, 1], []], [[.645656, .354344], []], context=ADAMOE_NULLS),
    nulls(-1.0, [0, 1, 3, 2], [.443149, .243206, .180171, .133474]),
    nulls(0.2, [0, 1], [.645656, .354344]), nulls(0.5, [0], [1.0]), nulls(1.5, [], []),
    case("04_zero_expert_takes_a_place", dict(top_k=2, null_rule="learned", null_experts=1),
         [[.5, .1, .2, -.3, .4], [0, 0, 0, 1, .8]], [[0], [3, 4]], [[1.0], [.549834, .450166]],
         context=dict(null_logits=[[.6], [0]])),
    case("04_gating_residual", dict(top_k=2), [[.25, .35, .2, .05, .2, -.2]], [[1, 0]],
         [[.524979, .475021]]),
    case("05_weak_pass_rank_2", dict(method="rank", ranks=[2]), [[3, 2.6, 1, 0.4]], [[2]], [[1.0]]),
    modes(0, 0, 3), modes(0, 1, 2), modes(0, 2, 0), modes(1, 0, 2), modes(1, 1, 0), modes(1, 2, 0),
    case("07_odp", dict(score="identity", top_k=2, prune_ratio=0.5, sacrifice=0.25, protect=0.25),
         ODP, [[0, 1], [], [0, 1], [0]], [[.642857, .357143], [], [.517241, .482759], [1.0]],
         context=dict(importance=[2.5, .2, .6, .9])),
    case("09_rexmoe_pool", dict(top_k=2, renormalize=False),
         [[.2, 1, -.5, .3, 1.4, .1, .9, -1]], [[4, 1]], [[.292079, .195786]]),
    case("09_rexmoe_hidden", dict(top_k=2, renormalize=False, disabled=[4, 7]),
         [[.2, 1, -.5, .3, 1.4, .1, .9, -1]], [[1, 6]], [[.195786, .177155]]),
    case("11_slices_keep_two", dict(top_k=2, renormalize=False),
         [[2, 1, 0, -1], [0, .5, 1, 1.5], [1, 1.2, 0, 0]], [[0, 1], [3, 2], [1, 0]],
         [[.643914, .236883], [.455054, .276004], [.413032, .338162]]),
    case("12_prototypes", dict(PLAIN, top_k=1),
         [[.995037, .099504, -.773957], [.033315, .999445, -.730271],
          [-.780869, -.624695, .993884], [.743294, .668965, -.998618]],
         [[0], [1], [2], [0]], [[.995037], [.999445], [.993884], [.743294]]),
    rewire(0, [0, 0, 0], [.549834, .450166]),
    rewire(1, [-.013025, .013025, 0], [.543378, .456622]),
    rewire(2, [-.025993, .025993, 0], [.536936, .463064]),
    rewire(3, [-.038902, .038902, 0], [.530511, .469489]),
    rewire(4, [-.051747, .051747, 0], [.524108, .475892]),
    rewire(5, [-.064526, .064526, 0], [.517729, .482271]),
    case("14_base", dict(top_k=2), MOTE, [[0, 1]], [[.574443, .425557]]),
    case("14_off_with_replacement", dict(top_k=2, disabled=[0]), MOTE, [[1, 2]],
         [[.549834, .450166]]),
    case("14_off_without_replacement", dict(top_k=2, disabled=[0], disabled_keep_place=True),
         MOTE, [[1]], [[1.0]]),
    case("14_forced", dict(top_k=2, forced=[3]), MOTE, [[0, 3]], [[.750260, .249740]]),
    evomoe(2.0, [3, 1, 0, 2], [.330802, .296428, .207167, .165603]),
    evomoe(0.5, [3, 1, 0, 2], [.537234, .346388, .082636, .033741]),
    evomoe(0.1, [3, 1], [.899672, .100249]), evomoe(0.05, [3, 1], [.987736, .012264]),
    case("21_capacity_by_position", dict(PLAIN, top_k=1, capacity=2), GATES,
         [[0], [0], [], []], [[.7], [.6], [], []]),
    case("21_capacity_by_batch_priority", dict(PLAIN, top_k=1, capacity=2,
                                               priority="batch_priority"), GATES,
         [[0], [], [], [0]], [[.7], [], [], [.9]]),
    case("21_top_2_capacity_3", dict(PLAIN, top_k=2, capacity=3), GATES,
         [[0, 1], [0, 1], [0, 1], []], [[.7, .2], [.6, .3], [.55, .25], []]),
    case("21_capacity_rounds_up", dict(top_k=1, capacity_factor=1.25), [[1, 0, 0, 0]] * 10,
         [[0]] * 4 + [[]] * 6, [[1.0]] * 4 + [[]] * 6),
    case("21_expert_choice", dict(PLAIN, method="expert_choice", capacity=2), GATES,
         [[0, 2], [1], [1, 2], [0]], [[.7, .1], [.3], [.25, .2], [.9]]),
    case("21_sinkhorn", dict(top_k=1, score="sinkhorn", weights="sigmoid", renormalize=False),
         [[1, 0], [1.2, .3], [.9, .8], [.2, .1]], [[0], [0], [1], [1]],
         [[1 / (1 + 2.718281828459045 ** -z)] for z in (1, 1.2, .8, .1)]),
    case("21_dynmoe", DYNMOE,
         [[log(s / (1 - s)) for s in row] for row in
          ([.709803, .609977, .290197], [.390023, .290197, .609977], [.548872, .272777, .451128])],
         [[1, 0], [2], [0]], [[.5, .5], [1.0], [1.0]]),
    case("32_moiie_text_pool", dict(top_k=2, disabled=[0]), [[9.0, .2, 1, .5]], [[2, 3]],
         [[.622459, .377541]]),
]
