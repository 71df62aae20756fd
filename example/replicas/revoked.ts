/** What the cookie says about a login. Times are Unix seconds. */
export interface Login {
  /** Random, of this one login. */
  id: string
  user: string
  /** What `Revoked` held for the user at the login; "log out everywhere" raises it. */
  number: number
  /** When the session ends at the latest, whatever the settings say by then. */
  until: number
}

/** The names under which a session, and all sessions of a user, are revoked. */
export const oneSession = (id: string): string => `session ${id}`
export const everySession = (user: string): string => `user ${user}`

// Machines' clocks may disagree by a minute. What is revoked has to be known until the last of them ends the session.
export const margin = 120 // seconds

/**
 * What one process knows to be revoked, and until when: in memory, so that no request waits for it. Each entry is
 * dropped once the sessions that it is about have ended anyway.
 */
export class Revoked {
  readonly #until = new Map<string, number>()
  readonly #ending = new Map<number, string[]>() // by the minute in which they can be dropped

  get size(): number { return this.#until.size }

  /** Takes in an entry. The later end counts, so entries may come twice and in any order. */
  add(what: string, until: number): void {
    const minute = Math.ceil((until + margin) / 60)
    if (until <= this.until(what) || minute <= now() / 60) return
    this.#until.set(what, until)
    const ending = this.#ending.get(minute)
    if (ending) ending.push(what)
    else this.#ending.set(minute, [what])
  }

  /** The end of an entry, 0 where there is none. */
  until(what: string): number {
    return this.#until.get(what) ?? 0
  }

  /** Whether a session is over: by its age, by a logout of its own, or by a "log out everywhere" after its login. */
  has({ id, user, number, until }: Login): boolean {
    return until <= now() || this.until(oneSession(id)) > 0 || this.until(everySession(user)) > number
  }

  entries(): IterableIterator<[what: string, until: number]> {
    return this.#until.entries()
  }

  /** Drops what has ended; to be called once a minute. It looks at nothing else, however much there is. */
  drop(): void {
    for (const [minute, ending] of this.#ending) {
      if (minute > now() / 60) continue
      this.#ending.delete(minute)
      for (const what of ending) if (this.until(what) + margin <= now()) this.#until.delete(what)
    }
  }
}

/** Unix seconds. */
export function now(): number {
  return Math.floor(Date.now() / 1000)
}
