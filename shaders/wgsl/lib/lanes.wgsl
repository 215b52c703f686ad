// Four rows of a matrix times one row of input, by LANES invocations that share the columns.
//
// LANES 8 to 64  On a graphics card, as many as a row has chunks: they read consecutive 16 bytes each, so that many reads are
//                under way for every row, and are added up by halves through workgroup memory: 1,280 bytes, a barrier for
//                each half. On an NVIDIA H100, rows of 2,048 columns in four bits took a third of the time of 8 lanes.
//       1        Where the processor runs the shader: an invocation does its rows alone, and no barrier is left, at which it
//                would become a coroutine; eight lanes took eight times as long there.
// The lanes of a row see the whole input, so they sum its squares on the way and the norm costs no pass of its own.
// The kernel declares `weights`, `input`, `gain`, and `args` with `columns` and `scales`; its workgroups are 64 invocations.
override LANES: u32 = 8u;

/// Products with four rows, and the sum of the squares of the input.
struct Sums {
    products: vec4<f32>,
    squares: f32,
}

var<workgroup> lane_products: array<vec4<f32>, 64>;
var<workgroup> lane_squares: array<f32, 64>;

/// What a lane has of the products of these rows of weights with the input from quad `start` on.
fn multiply(thread: u32, rows: vec4<u32>, start: u32, has_norm: bool) -> Sums {
    let chunks = (args.columns / 4u) >> FORMAT;
    let first = rows * chunks;
    var sums = Sums(vec4(0.0), 0.0);
    for (var c = thread % LANES; c < chunks; c += LANES) {
        let at = first + c;
        let chunk = array<vec4<u32>, 4>(weights[at.x], weights[at.y], weights[at.z], weights[at.w]);
        var products = vec4(0.0);
        var i = 0u;
        loop {
            let column = (c << FORMAT) + i;
            var x = input[start + column];
            if has_norm {
                sums.squares += dot(x, x);
                x *= gain[column];
            }
            // A row vector times columns: four dot products.
            products += x * mat4x4(quad(chunk[0], i), quad(chunk[1], i), quad(chunk[2], i), quad(chunk[3], i));
            i++;
            // Of float32 a chunk is one quad: the pipeline has no loop here.
            if FORMAT == 0u || i == quads_per_chunk() {
                break;
            }
        }
        sums.products += products * vec4(
            scale(at.x, args.scales), scale(at.y, args.scales), scale(at.z, args.scales), scale(at.w, args.scales));
    }
    return sums;
}

/// Adds up what all lanes of a row have, by halves; only the first lane's result is whole.
fn add_lanes(thread: u32, own: Sums) -> Sums {
    if LANES == 1u {
        return own;
    }
    lane_products[thread] = own.products;
    lane_squares[thread] = own.squares;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread % LANES < half {
            lane_products[thread] += lane_products[thread + half];
            lane_squares[thread] += lane_squares[thread + half];
        }
    }
    return Sums(lane_products[thread], lane_squares[thread]);
}

/// The first of the four rows of this invocation.
fn first_row(group: u32, thread: u32) -> u32 {
    return (group * (64u / LANES) + thread / LANES) * 4u;
}
