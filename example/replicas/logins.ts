import type { Redis } from './redis.js'
import type { Login } from './revoked.js'

const mostListed = 20

/** A login as its user sees it in the list. */
export type Listed = Login & { since: number; browser: string }

const key = (user: string): string => `logins:${user}`

/*
 * The list is for display, and to find the ids of a user's other sessions. No session is accepted or refused because of
 * it: if Redis loses it, or somebody logs in more often than it is long, "log out everywhere" ends them all the same.
 */

export async function noteLogin(redis: Redis, login: Listed): Promise<void> {
  await redis.multi()
    .lPush(key(login.user), JSON.stringify(login))
    .lTrim(key(login.user), 0, mostListed - 1)
    .expireAt(key(login.user), login.until)
    .exec()
}

/** A user's latest logins, those that have ended among them. */
export async function listLogins(redis: Redis, user: string): Promise<Listed[]> {
  return (await redis.lRange(key(user), 0, -1)).map((login) => JSON.parse(login) as Listed)
}
