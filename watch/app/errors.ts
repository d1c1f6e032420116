/** Every error that a person or a program can meet at the watch, in one table. */
import { CodedError, type ProblemDetails, type ProblemKind } from '../../kit/http/problem-details.ts'

export const watchProblemKinds = {
  'invalid-input': {
    status: 400,
    side: 'you',
    title: 'Some of what was sent does not fit',
    isWorkKept: true,
    next: 'Correct the fields that are named and send it again.',
  },
  'signed-out': {
    status: 401,
    side: 'you',
    title: 'You are not signed in',
    isWorkKept: true,
    next: 'Sign in, then do it again.',
  },
  'signature-wrong': {
    status: 401,
    side: 'you',
    title: 'The signature does not belong to what was sent',
    isWorkKept: true,
    next: 'Sign the exact bytes with a key of the configuration; docs/operating/watch.md shows how.',
  },
  'message-replayed': {
    status: 409,
    side: 'you',
    title: 'This message was taken before',
    isWorkKept: true,
    next: 'Nothing: it is kept already. A new message needs a nonce of its own.',
  },
  'message-stale': {
    status: 401,
    side: 'you',
    title: 'The message was signed too long ago, or its clock differs from ours',
    isWorkKept: true,
    next: 'Set the clock of the sender, sign it again and send it at once.',
  },
  'not-allowed': {
    status: 403,
    side: 'you',
    title: 'You may not do this here',
    isWorkKept: null,
    next: 'Sign in as an operator who may, or ask one.',
  },
  'foreign-origin': {
    status: 403,
    side: 'you',
    title: 'The request came from another site',
    isWorkKept: null,
    next: 'Open this page itself and do it there.',
  },
  'not-found': {
    status: 404,
    side: 'you',
    title: 'It is not here',
    isWorkKept: null,
    next: 'Check the address; the front page lists what is watched.',
  },
  'no-such-route': {
    status: 404,
    side: 'you',
    title: 'There is no such address',
    isWorkKept: null,
    next: 'The front page lists what is watched, /api/openapi.json what exists for programs.',
  },
  'changed-meanwhile': {
    status: 409,
    side: 'you',
    title: 'It was changed meanwhile',
    isWorkKept: true,
    next: 'Look at it as it is now, then do it again if it is still wanted.',
  },
  'proof-of-work-needed': {
    status: 428,
    side: 'you',
    title: 'A small proof of work is needed from here',
    isWorkKept: true,
    next: 'Solve the challenge of /api/v1/challenge and send the same again with it; the page does so by itself.',
  },
  'body-too-large': {
    status: 413,
    side: 'you',
    title: 'More was sent than is accepted here',
    isWorkKept: null,
    next: 'Send less; the limit is named.',
  },
  'unsupported-media-type': {
    status: 415,
    side: 'you',
    title: 'This kind of content is not accepted here',
    isWorkKept: null,
    next: 'Send the content type that the API description names.',
  },
  'too-many-requests': {
    status: 429,
    side: 'you',
    title: 'That was too often',
    isWorkKept: true,
    next: 'Wait for the time that is named, then go on.',
  },
  'storage-unavailable': {
    status: 503,
    side: 'us',
    title: 'The watch can not write to its disk now',
    isWorkKept: false,
    next: 'Send it again after the time that is named; what is shown here stays readable.',
  },
  unexpected: {
    status: 500,
    side: 'us',
    title: 'The watch met a case that it does not know',
    isWorkKept: null,
    next: 'Try once more; if it stays, tell the operator the request id.',
  },
} as const satisfies Record<string, ProblemKind>

export type WatchProblemCode = keyof typeof watchProblemKinds

/** An error with a stable code from the table. Everything thrown on purpose is one of these. */
export class WatchError extends CodedError<WatchProblemCode> {
  constructor(code: WatchProblemCode, details: ProblemDetails = {}) {
    super(watchProblemKinds, code, details)
  }
}

/** What was asked for is missing. */
export const notFound = (what: string, id: string): WatchError =>
  new WatchError('not-found', { detail: `There is no ${what} ${id} here.` })
