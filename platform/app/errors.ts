/**
 * Over 400 lines and not split: every error is one row of one table, read as a whole, so that no two codes say the same.
 *
 * Each says what failed (`title`, `detail`), whose side it is on, whether the work is kept, and what to do next.
 */
import { CodedError, type ProblemDetails, type ProblemKind } from '../../kit/http/problem-details.ts'

export const problemKinds = {
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
  'wrong-credentials': {
    status: 401,
    side: 'you',
    title: 'Handle and password do not belong together',
    isWorkKept: null,
    next: 'Check both, mind capital letters in the password, and sign in again.',
  },
  'not-allowed': {
    status: 403,
    side: 'you',
    title: 'Your account may not do this',
    isWorkKept: null,
    next: 'Use the account that owns it, or ask the operator of this instance.',
  },
  'foreign-origin': {
    status: 403,
    side: 'you',
    title: 'The request came from another site',
    isWorkKept: null,
    next: 'Open this instance itself and do it there.',
  },
  'not-found': {
    status: 404,
    side: 'you',
    title: 'It is not here',
    isWorkKept: null,
    next: 'Check the address. It may have been deleted or be visible to others only.',
  },
  'no-such-route': {
    status: 404,
    side: 'you',
    title: 'There is no such address',
    isWorkKept: null,
    next: 'See /api/openapi.json for what exists.',
  },
  'sign-up-closed': {
    status: 403,
    side: 'you',
    title: 'No new accounts are made on this instance',
    isWorkKept: true,
    next: 'Sign in if you have an account here, or ask the operator of this instance for one.',
  },
  'handle-taken': {
    status: 409,
    side: 'you',
    title: 'This handle is taken',
    isWorkKept: true,
    next: 'Choose another handle.',
  },
  'email-taken': {
    status: 409,
    side: 'you',
    title: 'This e-mail address belongs to an account already',
    isWorkKept: true,
    next: 'Sign in with it, or use another address.',
  },
  'operator-link-used': {
    status: 410,
    side: 'you',
    title: 'This link has been used or replaced',
    isWorkKept: true,
    next: 'Start the server again with no operator yet: it prints a new link.',
  },
  'video-not-playable-yet': {
    status: 409,
    side: 'us',
    title: 'This video is still being made ready to play',
    isWorkKept: true,
    next: 'Look at its upload: it says how far it is.',
  },
  'video-not-a-video': {
    status: 422,
    side: 'you',
    title: 'The file is no video',
    isWorkKept: true,
    next: 'Choose a video: MP4, MOV, WebM, MKV, AVI, FLV or MPEG-TS.',
  },
  'video-playlist': {
    status: 422,
    side: 'you',
    title: 'The file is a list of other files',
    isWorkKept: true,
    next: 'Choose the video itself, not a playlist.',
  },
  'video-no-picture': {
    status: 422,
    side: 'you',
    title: 'The file has no picture',
    isWorkKept: true,
    next: 'Choose a file with a picture; sound alone can not be posted.',
  },
  'video-unreadable': {
    status: 422,
    side: 'you',
    title: 'The video is damaged',
    isWorkKept: true,
    next: 'See whether it plays on your device; export or record it again and upload that.',
  },
  'video-truncated': {
    status: 422,
    side: 'you',
    title: 'The video was cut off before it was sent',
    isWorkKept: true,
    next: 'Copy the file from the camera or the phone again and upload that.',
  },
  'video-too-long': {
    status: 422,
    side: 'you',
    title: 'The video is too long',
    isWorkKept: true,
    next: 'Trim it to the length that is named and upload it again.',
  },
  'video-too-large': {
    status: 422,
    side: 'you',
    title: 'The picture is too large',
    isWorkKept: true,
    next: 'Export it at 4K or less and upload that.',
  },
  'video-too-small': {
    status: 422,
    side: 'you',
    title: 'The picture is too small',
    isWorkKept: true,
    next: 'Choose a video of at least the size that is named.',
  },
  'video-too-many-fps': {
    status: 422,
    side: 'you',
    title: 'The video has too many frames a second',
    isWorkKept: true,
    next: 'Export it at 240 frames a second or fewer and upload that.',
  },
  'video-too-many-streams': {
    status: 422,
    side: 'you',
    title: 'The file has too many tracks',
    isWorkKept: true,
    next: 'Export it with one picture and one sound track and upload that.',
  },
  'video-codec-unsupported': {
    status: 422,
    side: 'you',
    title: 'The video is encoded in a way that is not supported',
    isWorkKept: true,
    next: 'Export it as H.264, HEVC, VP9 or AV1 and upload that.',
  },
  'video-too-slow': {
    status: 500,
    side: 'us',
    title: 'Making the video playable took too long',
    isWorkKept: true,
    next: 'The original is kept. Export it as H.264 in MP4 and upload that, or ask the operator.',
  },
  'video-crashes-encoder': {
    status: 500,
    side: 'us',
    title: 'The video crashed the encoder',
    isWorkKept: true,
    next: 'The original is kept. Export it as H.264 in MP4 and upload that; the operator can see why.',
  },
  'video-lost': {
    status: 500,
    side: 'us',
    title: 'Files of the video were lost here',
    isWorkKept: false,
    next: 'Upload it again from your device, and tell the operator to look at the disk. Comes the disk back, so does the video.',
  },
  'picture-unreadable': {
    status: 422,
    side: 'you',
    title: 'This picture could not be read',
    isWorkKept: true,
    next: 'Choose a JPEG, PNG, WebP or GIF file.',
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
  'tus-version': {
    status: 412,
    side: 'you',
    title: 'This version of the upload protocol is not spoken here',
    isWorkKept: true,
    next: 'Use a tus 1.0.0 client: send "Tus-Resumable: 1.0.0".',
  },
  'video-empty-file': {
    status: 400,
    side: 'you',
    title: 'The file has no bytes',
    isWorkKept: null,
    next: 'Choose the file again; if it is empty on your device too, record or export it anew.',
  },
  'upload-too-large': {
    status: 413,
    side: 'you',
    title: 'The file is larger than this instance takes',
    isWorkKept: true,
    next: 'Export it in a lower resolution or cut it; the limit is named.',
  },
  'too-many-uploads': {
    status: 429,
    side: 'you',
    title: 'Too many of your uploads are open',
    isWorkKept: true,
    next: 'Let one finish or cancel one, then start this one.',
  },
  'upload-quota-full': {
    status: 413,
    side: 'you',
    title: 'Your videos take all the room that an account has here',
    isWorkKept: true,
    next: 'Delete a video that you no longer need, then start this upload again; the operator can give more room.',
  },
  'storage-full': {
    status: 507,
    side: 'us',
    title: 'The instance has no room for this now',
    isWorkKept: true,
    next: 'Try again after the time that is named; what has arrived is kept. The operator can free or add space.',
  },
  'upload-offset-conflict': {
    status: 409,
    side: 'network',
    title: 'The bytes sent do not follow those that are here',
    isWorkKept: true,
    next: 'Ask for the offset with HEAD and go on from there.',
  },
  'upload-taken-over': {
    status: 400,
    side: 'you',
    title: 'Another request goes on with this upload',
    isWorkKept: true,
    next: 'Go on there; or ask for the offset with HEAD and go on from it here.',
  },
  'upload-checksum-mismatch': {
    status: 460,
    side: 'network',
    title: 'The bytes were changed on the way',
    isWorkKept: true,
    next: 'Send the same part again; nothing of it was kept.',
  },
  'upload-stalled': {
    status: 408,
    side: 'network',
    title: 'No bytes came any more',
    isWorkKept: true,
    next: 'Ask for the offset with HEAD and go on from there; what has arrived is kept.',
  },
  'upload-ended': {
    status: 410,
    side: 'you',
    title: 'This upload takes no more bytes',
    isWorkKept: null,
    next: 'Look at its receipt; to send the file again, start a new upload.',
  },
  'upload-expired': {
    status: 410,
    side: 'you',
    title: 'The upload was not finished in time',
    isWorkKept: false,
    next: 'Start it again from the file on your device.',
  },
  'upload-damaged': {
    status: 500,
    side: 'us',
    title: 'Bytes that had arrived are no longer as they were sent',
    isWorkKept: false,
    next: 'Send the file again; tell the operator to look at the disk.',
  },
  'upload-is-published': {
    status: 409,
    side: 'you',
    title: 'The video of this upload is published',
    isWorkKept: true,
    next: 'Delete the video itself if you want it gone.',
  },
  'request-too-slow': {
    status: 408,
    side: 'network',
    title: 'The request came too slowly',
    isWorkKept: null,
    next: 'Nothing of it was done. Send it again; where the network is weak, use another one.',
  },
  'headers-too-large': {
    status: 431,
    side: 'you',
    title: 'The headers of the request are larger than the server reads',
    isWorkKept: null,
    next: 'Clear the cookies of this site, then send it again.',
  },
  'malformed-request': {
    status: 400,
    side: 'you',
    title: 'The request is not well-formed HTTP',
    isWorkKept: null,
    next: 'Send it by HTTP/1.1 as RFC 9112 has it; a proxy between may have changed it.',
  },
  'client-gone': {
    status: 499,
    side: 'network',
    title: 'The connection ended before the answer',
    isWorkKept: null,
    next: 'Send it again.',
  },
  unexpected: {
    status: 500,
    side: 'us',
    title: 'The server met a case that it does not know',
    isWorkKept: null,
    next: 'Try once more; if it stays, tell the operator the request id.',
  },
  'database-unavailable': {
    status: 503,
    side: 'us',
    title: 'The database is not answering',
    isWorkKept: null,
    next: 'Wait for the time that is named; playing videos goes on.',
  },
  'ingest-unavailable': {
    status: 503,
    side: 'us',
    title: 'The part that takes uploads is starting again',
    isWorkKept: true,
    next: 'Keep the page open: the upload goes on by itself from where it was.',
  },
  'backup-place-unfit': {
    status: 409,
    side: 'you',
    title: 'The folder can not be used for this',
    isWorkKept: true,
    next: 'Name another folder.',
  },
  'backup-key-unusable': {
    status: 409,
    side: 'you',
    title: 'The key of the backups can not be used',
    isWorkKept: true,
    next: 'Name the file with the key by which the backup was made: nothing else opens it.',
  },
  'backup-under-way': {
    status: 409,
    side: 'us',
    title: 'A backup is being made already',
    isWorkKept: true,
    next: 'Wait until it has ended. If it was cut off, its place is free again within two minutes.',
  },
  'backup-no-room': {
    status: 507,
    side: 'us',
    title: 'There is no room for the backup',
    isWorkKept: true,
    next: 'Free some space there, keep fewer days (BACKUP_KEEP_DAYS), or name a larger disk by BACKUP_DIR.',
  },
  'backup-no-database': {
    status: 503,
    side: 'us',
    title: 'Without the database no backup can be made',
    isWorkKept: true,
    next: 'See to it that the database answers (upbeat doctor), then make the backup again. Earlier backups are as they were.',
  },
  'backup-place-unreachable': {
    status: 502,
    side: 'us',
    title: 'The far place of the backups does not do what was asked',
    isWorkKept: true,
    next: 'See what it said. A backup that was being sent goes on from there the next time; the one on the disk is whole.',
  },
  'backup-newer': {
    status: 409,
    side: 'you',
    title: 'The backup was made by a newer Upbeat',
    isWorkKept: true,
    next: 'Install that version or a newer one, and restore it there.',
  },
  'backup-damaged': {
    status: 500,
    side: 'us',
    title: 'The backup is not as it was written',
    isWorkKept: false,
    next: 'Restore another backup of the same place (name its folder), and look after the disk that this one lies on.',
  },
  'restore-not-proven': {
    status: 500,
    side: 'us',
    title: 'What was restored does not work',
    isWorkKept: true,
    next: 'The instance itself is untouched. Make a new backup and check that one; tell us what was found.',
  },
  'journal-unwritable': {
    status: 503,
    side: 'us',
    title: 'What you did can not be written down safely now',
    isWorkKept: false,
    next: 'Nothing of it was done. Do it again after the time that is named; playing videos goes on.',
  },
  'no-supervisor': {
    status: 503,
    side: 'us',
    title: 'The supervisor of this machine does not answer',
    isWorkKept: false,
    next: 'Look on the machine itself: upbeat status. Without ./up or upbeat up, there is no supervisor.',
  },
  'order-refused': {
    status: 409,
    side: 'you',
    title: 'This can not be ordered as things are',
    isWorkKept: null,
    next: 'The detail says why. Look at the state again, and order what fits it.',
  },
  'session-not-checked': {
    status: 403,
    side: 'us',
    title: 'Your session can not be checked against the database now',
    isWorkKept: false,
    next: 'Give the order on the machine itself, by the command line, or wait until the database is back.',
  },
  'feature-paused': {
    status: 503,
    side: 'us',
    title: 'This is paused for now',
    isWorkKept: true,
    next: 'It comes back by itself. Do it again after the time that is named.',
  },
  busy: {
    status: 503,
    side: 'us',
    title: 'The server has more to do than it can',
    isWorkKept: null,
    next: 'Wait for the time that is named.',
  },
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof problemKinds

/** An error with a stable code from the table. Everything thrown on purpose is one of these. */
export class AppError extends CodedError<ProblemCode> {
  constructor(code: ProblemCode, details: ProblemDetails = {}) {
    super(problemKinds, code, details)
  }
}

/** What was asked for is missing, or hidden from who asks: the two look the same. */
export class NotFoundError extends AppError {
  constructor(what: string, id: string) {
    super('not-found', { detail: `There is no ${what} ${id} that you can see.` })
  }
}

/** The verb needs a signed-in account. */
export class SignedOutError extends AppError {
  constructor() {
    super('signed-out')
  }
}
