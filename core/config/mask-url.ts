/** What stands where a secret was. */
export const MASK = '[secret]';

/** Masks the password of `scheme://user:password@host`, and a user that stands alone as a token. */
export function maskUrl(text: string): string {
  return text.replace(
    /([a-z][a-z0-9+.-]*:\/\/)([^/?#\s@]+)@/gi,
    (_, scheme: string, who: string) => {
      const user = who.includes(':') ? `${who.slice(0, who.indexOf(':'))}:` : '';
      return `${scheme}${user}${MASK}@`;
    },
  );
}
