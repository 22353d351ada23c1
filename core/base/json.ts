/** A value that survives a round trip through `JSON.stringify`. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** A JSON object. Absent keys are `undefined` in TypeScript and missing in the text. */
export type JsonObject = { readonly [key: string]: Json | undefined };
