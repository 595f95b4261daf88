import type { Token } from './auth.ts';

/** The token of one project, renewed when it is about to end or was refused. */
export interface Session {
  /** A token that is good for `life` more milliseconds, if tokens of this cloud last that long. Default: two minutes. */
  token(life?: number): Promise<string>;
  /** The one after `refused`. Calls at the same time share one renewal. */
  renewed(refused: string): Promise<string>;
}

export function openSession(first: Token, authenticate: () => Promise<Token>): Session {
  let current = first;
  let pending: Promise<Token> | undefined;

  function renew(): Promise<Token> {
    pending ??= authenticate()
      .then((token) => (current = token))
      .finally(() => (pending = undefined));
    return pending;
  }

  return {
    token: async (life = 120_000) => {
      // A cloud whose tokens are short-lived must not be asked for a new one at every call.
      const enough = Math.min(life, current.life / 2);
      return (current.ends - Date.now() > enough ? current : await renew()).id;
    },
    renewed: async (refused) => (current.id === refused ? await renew() : current).id,
  };
}
