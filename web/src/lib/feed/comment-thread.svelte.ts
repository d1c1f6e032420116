/** The comments of one video: pages, replies, what is being sent, and what others write meanwhile. */
import { deleteComment, readComments, readReplies } from '#lib/api/endpoints.ts'
import { problemOf } from '#lib/api/problem.ts'
import type { Comment, Page, Problem } from '#lib/api/types.ts'
import type { OutboxEntry } from '#lib/outbox/outbox.ts'
import { keepAndSend } from '#lib/outbox/keep-and-send.ts'
import { pending } from '#lib/outbox/pending.svelte.ts'
import { settleKept } from '#lib/outbox/sending.ts'
import { modeOf, service } from '#lib/service/service.svelte.ts'
import { session } from '#lib/session/session.svelte.ts'
import { fateOf } from './kept-fate.ts'
import { inReplyOrder } from './reply-order.ts'

export interface ShownComment extends Comment {
  /** It waits in the outbox. */
  isPending: boolean
  /** The server has it in its journal; others see it once it is posted from there. */
  isKept: boolean
  /** The server had kept it, and it could not be posted. */
  isNotPosted: boolean
  replies: ShownComment[]
  /** Null: no reply was asked for yet, or all are there. */
  repliesCursor: string | null
  areRepliesOpen: boolean
  areRepliesLoading: boolean
}

const shown = (comment: Comment, isPending = false): ShownComment => ({
  ...comment,
  author: authorOf(comment),
  isPending,
  isKept: comment.isKept ?? false,
  isNotPosted: false,
  replies: [],
  repliesCursor: null,
  areRepliesOpen: false,
  areRepliesLoading: false,
})

/** Only the one who wrote it sees it. */
const isUnposted = ({ isPending, isKept, isNotPosted }: ShownComment): boolean =>
  isPending || isKept || isNotPosted

/** From this level on; an answer tells the level before the modes of the features are known. */
const KEPT_FROM_LEVEL = 4
const areKept = (): boolean =>
  ['kept', 'paused'].includes(modeOf('comments')) || (service.level ?? 0) >= KEPT_FROM_LEVEL

/** The journal knows no names and pictures; whose comment it is does. */
const authorOf = ({ isKept, author }: Comment): Comment['author'] =>
  isKept && session.account?.id === author.id ? session.account : author

export class CommentThread {
  items = $state<ShownComment[]>([])
  state = $state<'loading' | 'ready' | 'failed'>('loading')
  problem = $state<Problem | null>(null)
  isAtEnd = $state(false)
  /** From when the newest page is, while the server gives it from memory. */
  asOf = $state<string | null>(null)
  #cursor: string | null = null
  /** The newest page, as it was read last. */
  #newest: Page<Comment> = { items: [], nextCursor: null }
  /** Comments out of the journal whose fate is known: nothing makes them kept once more. */
  readonly #judged = new Set<string>()
  #closing = new AbortController()
  readonly videoId: string

  constructor(videoId: string) {
    this.videoId = videoId
  }

  async loadMore(): Promise<void> {
    if (this.isAtEnd) return
    this.state = 'loading'
    try {
      const page = await readComments(this.videoId, { cursor: this.#cursor, signal: this.#closing.signal })
      if (this.#cursor === null) {
        this.asOf = page.asOf ?? null
        this.#newest = page
      }
      page.items.forEach((item) => this.#takePosted(item))
      const known = new Set(this.items.map((item) => item.id))
      this.items.push(...page.items.filter((item) => !known.has(item.id)).map((item) => shown(item)))
      this.#joinThreads()
      this.#cursor = page.nextCursor
      this.isAtEnd = page.nextCursor === null
      this.problem = null
      this.state = 'ready'
    } catch (error) {
      if (this.#closing.signal.aborted) return
      this.problem = problemOf(error)
      this.state = 'failed'
    }
  }

  /** Reads the newest page anew, when what others wrote meanwhile may have been missed. */
  async catchUp(): Promise<void> {
    try {
      const page = await readComments(this.videoId, { signal: this.#closing.signal })
      this.asOf = page.asOf ?? null
      this.#newest = page
      if (!page.items.some(({ id }) => this.#find(id))) {
        // So many were missed that the page does not reach what is shown: the list begins anew.
        this.items = this.items.filter(isUnposted)
        this.#cursor = page.nextCursor
        this.isAtEnd = page.nextCursor === null
      }
      for (const comment of page.items.toReversed()) {
        const known = this.#find(comment.id)
        if (!known) this.#insert(shown(comment))
        else {
          const { body, isDeleted, likeCount, replyCount } = comment
          this.#takePosted(comment)
          Object.assign(known, { body, isDeleted, likeCount, replyCount })
        }
      }
      this.#joinThreads()
      this.#settleKept()
    } catch {
      // What is shown stays; the next gap, or opening the comments again, reads them anew.
    }
  }

  /** Opens the replies of a comment, loading the first page of them; closes them when they are open. */
  async toggleReplies(comment: ShownComment): Promise<void> {
    comment.areRepliesOpen = !comment.areRepliesOpen
    const loaded = comment.replies.filter((reply) => !reply.isPending).length
    if (comment.areRepliesOpen && loaded < comment.replyCount) await this.loadReplies(comment)
  }

  /** @returns whether they were read */
  async loadReplies(comment: ShownComment): Promise<boolean> {
    if (comment.areRepliesLoading) return false
    comment.areRepliesLoading = true
    try {
      const page: Page<Comment> = await readReplies(comment.id, { cursor: comment.repliesCursor })
      page.items.forEach((reply) => this.#takePosted(reply))
      const known = new Set(comment.replies.map((reply) => reply.id))
      const news = page.items.filter((reply) => !known.has(reply.id)).map((reply) => shown(reply))
      comment.replies = inReplyOrder([...comment.replies, ...news])
      comment.repliesCursor = page.nextCursor
      return true
    } catch (error) {
      this.problem = problemOf(error)
      return false
    } finally {
      comment.areRepliesLoading = false
    }
  }

  /** Keeps a comment in the outbox; it is shown at once. @throws when nobody is signed in */
  async write(body: string, parent: ShownComment | null): Promise<void> {
    const entry = await keepAndSend({
      kind: 'comment',
      subject: null,
      method: 'POST',
      path: this.#path,
      body: { body, parentId: parent?.id ?? null },
    })
    this.showPending(entry)
  }

  /** Shows what waits in the outbox for this video. */
  showPending(entry: OutboxEntry): void {
    const me = session.account
    if (!me || entry.kind !== 'comment' || entry.path !== this.#path) return
    const { body, parentId } = entry.body as { body: string; parentId: string | null }
    if (this.#find(entry.id)) return
    const comment = shown(
      {
        id: entry.id,
        videoId: this.videoId,
        parentId,
        author: me,
        body,
        isDeleted: false,
        createdAt: new Date(entry.madeAtMs).toISOString(),
        likeCount: 0,
        replyCount: 0,
        viewer: { isLiked: false, isOwn: true, canDelete: false },
      },
      true,
    )
    this.#insert(comment)
  }

  /** Shows the person's own comments that the server has in its journal, until the list itself has them. */
  showKept(): void {
    for (const { kind, path, keptAnswer } of pending.atServer)
      if (kind === 'comment' && path === this.#path) this.#take(keptAnswer as Comment)
    if (this.state === 'ready') this.#settleKept()
  }

  /** The server has taken it: the waiting one becomes the real one. */
  settle(entryId: string, comment: Comment): void {
    this.#removeById(entryId)
    if (this.#judged.has(comment.id)) return
    const heard = this.#find(comment.id)
    // It was heard of before the answer that tells that comments are kept.
    if (heard && comment.isKept && areKept()) heard.isKept = true
    this.#take(comment)
  }

  /** The server has refused it. */
  drop(entryId: string): void {
    this.#removeById(entryId)
  }

  /** Whether a comment of the server's journal is shown. */
  get hasKept(): boolean {
    return this.items.some((item) => item.isKept || item.replies.some((reply) => reply.isKept))
  }

  /** A comment that somebody has just written. */
  hear(comment: Comment): void {
    if (comment.videoId !== this.videoId) return
    // Out of the journal already, and yet nobody finds it in the list: for its author it waits until comments are back.
    if (comment.viewer?.isOwn && areKept()) return
    this.#take(comment)
  }

  #take(comment: Comment): void {
    if (!comment.isKept) this.#takePosted(comment)
    if (this.#find(comment.id)) return
    const parent = comment.parentId ? this.items.find((item) => item.id === comment.parentId) : null
    if (parent) parent.replyCount += 1
    this.#insert(shown(comment))
  }

  setLiked(comment: ShownComment, isLiked: boolean): void {
    if (!comment.viewer || comment.viewer.isLiked === isLiked) return
    comment.viewer.isLiked = isLiked
    comment.likeCount = Math.max(0, comment.likeCount + (isLiked ? 1 : -1))
    void keepAndSend({
      kind: 'like',
      subject: `comment-like:${comment.id}`,
      method: isLiked ? 'PUT' : 'DELETE',
      path: `/comments/${comment.id}/like`,
    })
  }

  /** Deletes at once on the screen; it comes back when the server refuses. @throws {ApiError} */
  async remove(comment: ShownComment): Promise<void> {
    const before = { body: comment.body, isDeleted: comment.isDeleted }
    Object.assign(comment, { body: '', isDeleted: true })
    try {
      await deleteComment(comment.id)
      if (comment.replyCount === 0) this.#removeById(comment.id)
    } catch (error) {
      Object.assign(comment, before)
      throw error
    }
  }

  close(): void {
    this.#closing.abort()
  }

  get #path(): string {
    return `/videos/${this.videoId}/comments`
  }

  /** A comment out of the journal is where everyone sees it now: it is there once. */
  #takePosted({ id, author, createdAt, viewer }: Comment): void {
    const kept = this.#find(id)
    if (!kept?.isKept) return
    this.#judged.add(id)
    Object.assign(kept, { isKept: false, author, createdAt, viewer })
    void settleKept((entry) => (entry.keptAnswer as Comment).id === id)
  }

  /** Once comments are wholly back, the list that was read just now tells what became of those that were kept. */
  #settleKept(): void {
    // An answer can tell of another level before the modes of its features are known.
    if (service.level !== (service.state?.level ?? 0) || modeOf('comments') !== 'on') return
    const { items, nextCursor } = this.#newest
    for (const kept of this.items.filter(({ isKept }) => isKept)) {
      // Of a reply that stands by itself only a whole list tells, which lacks what it answers.
      this.#judge(kept, kept.parentId === null ? items : [], nextCursor === null)
    }
    // The list has no replies: they are read by themselves.
    for (const item of this.items) {
      const waiting = item.replies.filter(({ isKept }) => isKept)
      if (waiting.length > 0) void this.#judgeReplies(item, waiting)
    }
    void settleKept(({ kind, path }) => kind === 'comment' && path === this.#path)
  }

  async #judgeReplies(item: ShownComment, waiting: readonly ShownComment[]): Promise<void> {
    waiting.forEach(({ id }) => this.#judged.add(id))
    const isRead = await this.loadReplies(item)
    const posted = item.replies.filter((reply) => !isUnposted(reply)).toReversed()
    const isWhole = isRead && item.repliesCursor === null
    for (const kept of waiting.filter(({ isKept }) => isKept))
      this.#judge(kept, isRead ? posted : [], isWhole)
  }

  /** Where nobody can tell, it is not shown: if it was posted, it stands further down. */
  #judge(kept: ShownComment, newestFirst: readonly Comment[], isWhole: boolean): void {
    this.#judged.add(kept.id)
    const fate = fateOf(kept, newestFirst, isWhole)
    if (fate === 'unknown') this.#removeById(kept.id)
    else Object.assign(kept, { isKept: false, isNotPosted: fate === 'not-posted' })
  }

  #find(id: string): ShownComment | undefined {
    return this.items.flatMap((item) => [item, ...item.replies]).find((item) => item.id === id)
  }

  #insert(comment: ShownComment): void {
    const parent = comment.parentId ? this.items.find((item) => item.id === comment.parentId) : null
    if (parent) {
      parent.replies.push(comment)
      if (comment.viewer?.isOwn) parent.areRepliesOpen = true
      // One's own stands by itself for as long as the comment that it answers can't be read.
    } else if (!comment.parentId || isUnposted(comment)) this.items.unshift(comment)
  }

  /** Replies that stood by themselves go to what they answer, once it is here. */
  #joinThreads(): void {
    const ids = new Set(this.items.map(({ id }) => id))
    const joining = this.items.filter(({ parentId }) => parentId !== null && ids.has(parentId))
    if (joining.length === 0) return
    this.items = this.items.filter((item) => !joining.includes(item))
    joining.toReversed().forEach((reply) => this.#insert(reply))
  }

  #removeById(id: string): void {
    this.items = this.items.filter((item) => item.id !== id)
    for (const item of this.items) {
      if (item.replies.some((reply) => reply.id === id))
        item.replies = item.replies.filter((reply) => reply.id !== id)
    }
  }
}
