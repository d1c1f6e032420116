import type { Comment } from '#lib/api/types.ts'

type Listed = Pick<Comment, 'id' | 'createdAt'>

/**
 * What became of a comment that the server had kept, by what can be read once comments are wholly back. What is posted gets the
 * time of its posting, so that it stands before whatever is older than the promise.
 *
 * @param newestFirst what was read
 * @param isWhole whether nothing older is there to be read
 */
export function fateOf(
  kept: Listed,
  newestFirst: readonly Listed[],
  isWhole: boolean,
): 'posted' | 'not-posted' | 'unknown' {
  if (newestFirst.some(({ id }) => id === kept.id)) return 'posted'
  const oldest = newestFirst.at(-1)
  const reachesBack =
    isWhole || (oldest !== undefined && Date.parse(oldest.createdAt) < Date.parse(kept.createdAt))
  return reachesBack ? 'not-posted' : 'unknown'
}
