/** What of comments is kept while the database is away: new ones. */
import { z } from 'zod'
import { Role } from '../../../contract/accounts.ts'
import { Id } from '../../../contract/common.ts'
import { NewComment, type Comment } from '../../../contract/social.ts'
import type { Ctx } from '../../app/context.ts'
import type { Viewer } from '../../app/http.ts'
import { refuseKnownHidden, type Act, type AnyAct } from '../../app/journal/index.ts'
import { addComment, cleanBody } from './comments.service.ts'

/** A comment takes ten times the room of a like: a few dozen accounts that write without a pause leave room to what all others do. */
const COMMENTS_ROOM_SHARE = 0.75

const Input = NewComment.extend({
  /** The comment's own, whenever it is made. */
  id: Id,
  viewer: z.object({ id: Id, handle: z.string(), role: Role }),
  videoId: Id,
  clientKey: Id,
})
type Input = z.infer<typeof Input>

/** A new comment; without a key of the client's its id is its key, so that it is made once whatever happens in between. */
export function newCommentOf(
  ctx: Ctx,
  input: NewComment & {
    readonly viewer: Viewer
    readonly videoId: string
    readonly clientKey: string | undefined
  },
): Input {
  const { id: viewerId, handle, role } = input.viewer
  const id = ctx.newId()
  return { ...input, id, viewer: { id: viewerId, handle, role }, clientKey: input.clientKey ?? id }
}

export const commentAct: Act<Input, Comment> = {
  name: 'comment',
  feature: 'comments',
  shape: Input,
  actorOf: ({ viewer }) => viewer.id,
  setsOf: () => null,
  repeatOf: ({ viewer, clientKey }) => `comment:${viewer.id}:${clientKey}`,
  roomShareOf: () => COMMENTS_ROOM_SHARE,
  check(ctx, { viewer, videoId, body }) {
    cleanBody(body)
    refuseKnownHidden(ctx, { viewerId: viewer.id, videoId })
  },
  do: addComment,
  answerKept: ({ id, videoId, parentId, viewer, body }, at) => ({
    id,
    videoId,
    parentId,
    // What is known without the database: the name and the picture are there when the comment is.
    author: { id: viewer.id, handle: viewer.handle, name: viewer.handle, pictureUrl: null },
    body: cleanBody(body),
    isDeleted: false,
    createdAt: at.toISOString(),
    likeCount: 0,
    replyCount: 0,
    viewer: { isLiked: false, isOwn: true, canDelete: true },
    isKept: true,
  }),
}

export const commentActs: readonly AnyAct[] = [commentAct]
