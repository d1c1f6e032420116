/** What each operation of the API is for, in one table, as /api/openapi.json tells it. */

export interface Operation {
  readonly summary: string
  /** Whether it asks for the session cookie; without it, `optional` ones answer what everyone may see. */
  readonly session: 'needed' | 'optional' | 'unused'
}

const signedIn = (summary: string): Operation => ({ summary, session: 'needed' })
const anyone = (summary: string): Operation => ({ summary, session: 'optional' })
const open = (summary: string): Operation => ({ summary, session: 'unused' })

/** By tag, then by method and path. */
export const OPERATIONS: Readonly<Record<string, Readonly<Record<string, Operation>>>> = {
  accounts: {
    'POST /accounts': open('Sign up; answers the account and its session cookie'),
    'POST /sessions': open('Sign in with a handle or an e-mail address'),
    'POST /sessions/confirmations': open('Complete a sign-in by a code'),
    'POST /sessions/passkey-options': open('Begin to sign in by a passkey'),
    'POST /sessions/passkey': open('Sign in by a passkey'),
    'POST /sign-in-denials': open('Deny a sign-in by the link of the mail: ends all sessions'),
    'POST /password-resets': open('Choose a new password after denying a sign-in'),
    'GET /sessions': signedIn('List where you are signed in'),
    'DELETE /sessions/current': anyone('Sign out here'),
    'DELETE /sessions/{id}': signedIn('Sign out another device'),
    'GET /me': anyone('Your account; null when signed out'),
    'PATCH /me': signedIn('Change your name or bio'),
    'PUT /me/password': signedIn('Change your password'),
    'PUT /me/email': signedIn('Change your e-mail address; asks for fresh proof'),
    'GET /me/security': signedIn('What guards your account'),
    'POST /me/proof': signedIn('Prove once more that it is you'),
    'POST /me/proof/passkey-options': signedIn('Begin to prove it by a passkey'),
    'POST /me/totp': signedIn('Begin to set an authenticator up; asks for fresh proof'),
    'PUT /me/totp': signedIn('Put the authenticator in force by a code; answers recovery codes'),
    'DELETE /me/totp': signedIn('Remove the authenticator; asks for fresh proof'),
    'POST /me/recovery-codes': signedIn('Make new recovery codes; asks for fresh proof'),
    'POST /me/passkeys/options': signedIn('Begin to add a passkey; asks for fresh proof'),
    'POST /me/passkeys': signedIn('Add a passkey'),
    'DELETE /me/passkeys/{id}': signedIn('Remove a passkey; asks for fresh proof'),
    'POST /me/sign-ins/{id}/denial': signedIn('Deny a sign-in: ends all other sessions'),
    'PUT /me/picture': signedIn('Set your profile picture'),
    'DELETE /me/picture': signedIn('Take your profile picture away'),
  },
  feeds: {
    'GET /feed/for-you': anyone('The next page of For You, each video with its reason'),
    'GET /feed/following': signedIn('The newest videos of those you follow'),
    'GET /search': anyone('Find videos, people or tags'),
    'GET /tags/{tag}/videos': anyone('The videos with a tag'),
  },
  videos: {
    'GET /videos/{id}': anyone('One video'),
    'PATCH /videos/{id}': signedIn('Change the caption or the visibility of your video'),
    'DELETE /videos/{id}': signedIn('Delete your video'),
    'POST /videos/{id}/publish': signedIn('Publish your video as soon as it can be played'),
    'GET /me/videos': signedIn('Your videos, unpublished ones included'),
    'PUT /videos/{id}/like': signedIn('Like a video'),
    'DELETE /videos/{id}/like': signedIn('Take a like back'),
    'PUT /videos/{id}/save': signedIn('Save a video for later'),
    'DELETE /videos/{id}/save': signedIn('Take a video out of your saved ones'),
    'GET /me/liked': signedIn('The videos that you like'),
    'GET /me/saved': signedIn('The videos that you saved'),
    'POST /videos/{id}/shares': anyone('Count a share; answers the address to share'),
    'POST /views': anyone('Report what was watched'),
  },
  comments: {
    'GET /videos/{id}/comments': anyone('The comments on a video, newest first'),
    'POST /videos/{id}/comments': signedIn('Comment, or answer a comment'),
    'GET /comments/{id}/replies': anyone('The replies to a comment, oldest first'),
    'DELETE /comments/{id}': signedIn('Delete a comment'),
    'PUT /comments/{id}/like': signedIn('Like a comment'),
    'DELETE /comments/{id}/like': signedIn('Take the like of a comment back'),
  },
  people: {
    'GET /profiles/{handle}': anyone('Somebody’s profile'),
    'GET /profiles/{handle}/videos': anyone('Somebody’s videos, newest first'),
    'GET /profiles/{handle}/followers': anyone('Who follows somebody'),
    'GET /profiles/{handle}/following': anyone('Whom somebody follows'),
    'PUT /profiles/{handle}/follow': signedIn('Follow somebody'),
    'DELETE /profiles/{handle}/follow': signedIn('Follow somebody no longer'),
    'PUT /profiles/{handle}/block': signedIn('Block somebody'),
    'DELETE /profiles/{handle}/block': signedIn('Lift a block'),
    'GET /me/blocks': signedIn('Whom you block'),
  },
  notifications: {
    'GET /notifications': signedIn('Your notifications, newest first, like ones folded'),
    'POST /notifications/read': signedIn('Mark everything up to a notification as read'),
    'GET /updates': anyone('Live updates as server-sent events'),
  },
  uploads: {
    'GET /uploads/limits': signedIn('What an upload may be, before a byte is sent'),
    'GET /uploads': signedIn('The receipts of your uploads'),
    'POST /uploads': signedIn('Begin an upload (tus 1.0 creation)'),
    'GET /uploads/{id}': signedIn('The receipt of an upload: what is true of it now'),
    'PATCH /uploads/{id}': signedIn('Send bytes from an offset on (tus 1.0)'),
    'DELETE /uploads/{id}': signedIn('Cancel an upload (tus 1.0 termination)'),
    'PUT /uploads/body-probe': open('Count a body and drop it: for this instance’s own doctor'),
    'PUT /uploads/{id}/index': signedIn('Send the index of an MP4 ahead, so that it plays while it uploads'),
  },
  operations: {
    'GET /operations/backups': signedIn('The last backup and the last proven restore; for the operator'),
    'GET /operations/state': signedIn(
      'How everything fares: level, steps, processes, queues; for the operator',
    ),
    'GET /operations/history': signedIn('The figures of the last fifteen minutes; for the operator'),
    'GET /operations/audit': signedIn('What was ordered, by whom, and what came of it; for the operator'),
    'GET /operations/releases': signedIn(
      'Releases of code and documents: on trial, in force, in quarantine; for the operator',
    ),
    'GET /operations/edges': signedIn('How each edge fares, and what it took back; for the operator'),
    'POST /operations/orders': signedIn('Order a level, a pause, maintenance or a restart; for the operator'),
  },
  edges: {
    'GET /edges/changes': open('Which videos’ files are to be asked for again; for edges, by their token'),
  },
  instance: {
    'GET /proof': open('A proof of work to do, while strangers are asked for one'),
    'POST /proof': open('Show that it is done; answers a cookie that is good for half an hour'),
    'GET /state': open('What works at this moment, and how'),
    'GET /state/restoration': open('The way back after an outage or a start, step by step'),
    'GET /regions': open('Which region is served, how far behind it is, which is closed and why'),
    'GET /instance': open('What a client has to know of this instance'),
    'GET /problems': open('Every error code, with what to do'),
  },
}
