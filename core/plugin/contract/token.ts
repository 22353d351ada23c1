/**
 * Names a service that a plugin's class is constructed with. The type parameter is the type of the
 * constructor parameter at the same position.
 */
export interface ServiceToken<out T> {
  readonly name: string;
  readonly symbol: symbol;
  /** Only for the compiler. */
  readonly _type?: () => T;
}

/** The key is global, so that a plugin's copy of the type and the running server's agree. */
export function serviceToken<T>(name: string): ServiceToken<T> {
  return { name, symbol: Symbol.for(`stowage.service.${name}`) };
}

/** Constructor parameters that fit a list of tokens. */
export type Injected<Tokens extends readonly ServiceToken<unknown>[]> = {
  -readonly [K in keyof Tokens]: Tokens[K] extends ServiceToken<infer T> ? T : never;
};

/** A class whose constructor takes what the tokens stand for, in their order. */
export type InjectableClass<T, Tokens extends readonly ServiceToken<unknown>[]> = new (
  ...services: Injected<Tokens>
) => T;
