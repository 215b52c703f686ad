// A part of a view that is costly to describe is described again only when something that it is made from is another.
// Rendering skips an element that is the very same object as last time, so that such a part then costs nothing at all.

/** Gives what was made last while every input is the very same, else makes it anew. */
export type Kept<Made> = (inputs: readonly unknown[], make: () => Made) => Made;

export function kept<Made>(): Kept<Made> {
  let last: { readonly inputs: readonly unknown[]; readonly made: Made } | undefined;
  return (inputs, make) => {
    if (last === undefined || last.inputs.length !== inputs.length || !last.inputs.every((input, n) => input === inputs[n])) last = { inputs, made: make() };
    return last.made;
  };
}
