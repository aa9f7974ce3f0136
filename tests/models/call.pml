/* The life of a call: post, deliver, defer, answer, cancel, deaths, a new server, late tokens.
 *
 * Callers post again and again on the same call object. Servers come one after the other on one
 * channel; each may keep tokens as long as it likes (two at once: deferral) and use them late. Every `atomic` is one stretch under the kernel's lock;
 * an answer is copied in two of them, because long copies are cut.
 *
 * Checked: a token touches only the posting it was delivered with (ghost: instance), and only in
 * the hands of the process that received it; a posting ends exactly once, and does end when it
 * has no deadline; a moved handle is the server's after delivery and else the caller's.
 *
 * Variants that must fail: BUG_GENERATION (a cancel keeps the token's generation), BUG_RECHECK
 * (a cut copy goes on without looking), BUG_DEATH (a server's death forgets what it had received),
 * BUG_OWNER (any process may use a token), BUG_HANDLE (handles leave the caller at post). */

#define CALLERS 2
#define SERVERS 2
#define TOKENS 2
#define POSTS 2
#define INTRUDER (SERVERS + 1)

mtype = { IDLE, POSTED, RECEIVED, DONE, GONE };
mtype = { NONE, OK, TIMED_OUT, UNKNOWN_OUTCOME, PEER_DIED, SERVER_REPLACED, QUOTA };

#define AT_CALLER 0
#define AT_SERVER 1
#define AT_NOBODY 2

typedef Call {
    mtype state = IDLE;
    mtype status = NONE;
    byte generation;
    byte owner;          /* the server that received it */
    byte accepted;       /* the connection's channel generation, 0: none yet */
    bit forever;         /* no deadline, and its process is not killed */
    byte instance;       /* ghost: which posting */
    byte ended;          /* ghost: how often it ended */
    byte handle = AT_CALLER; /* ghost: whose table has the moved handle */
};

typedef Token {
    bit held;
    byte call;
    byte generation;
    byte instance; /* ghost */
    bit written;
};

typedef Tokens {
    Token token[TOKENS];
};

Call call[CALLERS];
Tokens server[SERVERS + 1];
byte serving;            /* the server now, 0: none */
byte channel_generation; /* raised by each server */
byte servers_left = SERVERS;

inline finish(c, why)
{
    assert(call[c].ended == 0);
    call[c].ended = 1;
    call[c].state = DONE;
    call[c].status = why;
    if
#ifdef BUG_GENERATION
    :: why == UNKNOWN_OUTCOME
#endif
    :: else -> call[c].generation++
    fi
}

/* The caller's time is over, or it was interrupted. */
inline cancel(c)
{
    if
    :: call[c].state == POSTED -> finish(c, TIMED_OUT)
    :: call[c].state == RECEIVED -> finish(c, UNKNOWN_OUTCOME)
    fi
}

proctype Caller(byte c)
{
    byte posts = 0;

    do
    :: posts == POSTS -> break
    :: posts < POSTS ->
        posts++;
        atomic {
            assert(call[c].state == IDLE);
            call[c].instance++;
            call[c].ended = 0;
            call[c].state = POSTED;
            call[c].handle = AT_CALLER;
#ifdef BUG_HANDLE
            call[c].handle = AT_NOBODY;
#endif
            if
            :: call[c].forever = 1
            :: call[c].forever = 0
            fi
        }
        do
        :: atomic { call[c].state == DONE -> break }
        :: atomic { !call[c].forever && call[c].state != DONE -> cancel(c) }
        :: atomic {
            !call[c].forever && call[c].state != DONE -> /* the process is killed */
                call[c].state = GONE;
                call[c].generation++;
                goto dead
           }
        od;
        atomic { /* collect */
            assert(call[c].ended == 1);
            if
            :: call[c].status == TIMED_OUT || call[c].status == SERVER_REPLACED ||
               call[c].status == QUOTA -> assert(call[c].handle == AT_CALLER)
            :: else -> assert(call[c].handle == AT_SERVER)
            fi;
            if
            :: call[c].status == SERVER_REPLACED || call[c].status == PEER_DIED ->
                call[c].accepted = channel_generation
            :: else
            fi;
            call[c].state = IDLE;
            call[c].status = NONE
        }
    od;
dead:
    skip
}

/* The kernel's check of a token: is it this posting, still waiting, received by this process? */
#ifdef BUG_OWNER
#define VALID(s, c, g) (call[c].state == RECEIVED && call[c].generation == g)
#else
#define VALID(s, c, g) (call[c].state == RECEIVED && call[c].generation == g && call[c].owner == s)
#endif

/* Bytes of the caller's buffers are written. */
inline touch(s, t)
{
    assert(call[server[s].token[t].call].state == RECEIVED);
    assert(call[server[s].token[t].call].instance == server[s].token[t].instance);
    assert(call[server[s].token[t].call].owner == s)
}

inline drop(s, t)
{
    server[s].token[t].held = 0;
    server[s].token[t].written = 0;
    server[s].token[t].call = 0;
    server[s].token[t].generation = 0;
    server[s].token[t].instance = 0
}

inline deliver(s, t, c)
{
    if
    :: call[c].accepted != 0 && call[c].accepted != channel_generation ->
        finish(c, SERVER_REPLACED)
    :: else ->
        if
        :: finish(c, QUOTA) /* no room for the handle in the server's table */
#ifdef BUG_HANDLE
           ; call[c].handle = AT_CALLER
#endif
        :: call[c].accepted = channel_generation;
           call[c].state = RECEIVED;
           call[c].owner = s;
           call[c].handle = AT_SERVER;
           server[s].token[t].held = 1;
           server[s].token[t].call = c;
           server[s].token[t].generation = call[c].generation;
           server[s].token[t].instance = call[c].instance
        fi
    fi
}

/* Whether some call is so: an atomic's guard must say all that the choices in it need. */
#define ANY(what) (what(0) || what(1))
#define PICK(what) if :: what(0) -> c = 0 :: what(1) -> c = 1 fi
#define POSTED_CALL(c) (call[c].state == POSTED)
#define RECEIVED_CALL(c) (call[c].state == RECEIVED)
#define HELD(t) (server[s].token[t].held)
#define UNWRITTEN(t) (server[s].token[t].held && !server[s].token[t].written)

proctype Server(byte s)
{
    byte t, c, g;

end:
    do
    :: atomic { /* port_wait */
        serving == s && !(HELD(0) && HELD(1)) && ANY(POSTED_CALL) ->
            t = HELD(0);
            PICK(POSTED_CALL);
            deliver(s, t, c)
       }
    :: atomic { /* call_write, whenever it likes */
        serving == s && (UNWRITTEN(0) || UNWRITTEN(1)) ->
            if
            :: UNWRITTEN(0) -> t = 0
            :: UNWRITTEN(1) -> t = 1
            fi;
            server[s].token[t].written = 1;
            c = server[s].token[t].call;
            if
            :: VALID(s, c, server[s].token[t].generation) -> touch(s, t)
            :: else /* CALLER_GONE */
            fi
       }
    :: atomic { /* reply, the first piece */
        serving == s && (HELD(0) || HELD(1)) ->
            if
            :: HELD(0) -> t = 0
            :: HELD(1) -> t = 1
            fi;
            c = server[s].token[t].call;
            g = server[s].token[t].generation;
            if
            :: VALID(s, c, g) -> touch(s, t)
            :: else -> drop(s, t); goto answered
            fi
       };
       atomic { /* the lock was given up; the rest */
            if
#ifdef BUG_RECHECK
            :: true ->
#else
            :: VALID(s, c, g) ->
#endif
                touch(s, t);
                finish(c, OK)
            :: else
            fi;
            drop(s, t)
       };
answered:
       skip
    :: atomic { /* it dies */
        serving == s && servers_left > 0 ->
            serving = 0;
            drop(s, 0);
            drop(s, 1);
            c = 0;
            do
            :: c < CALLERS ->
                if
#ifdef BUG_DEATH
                :: skip
#else
                :: call[c].state == RECEIVED && call[c].owner == s -> finish(c, PEER_DIED)
                :: else
#endif
                fi;
                c++
            :: c == CALLERS -> break
            od;
            break
       }
    od
}

/* A process that knows a token by chance. */
proctype Intruder()
{
    byte c;

end:
    atomic {
        ANY(RECEIVED_CALL) ->
            PICK(RECEIVED_CALL);
            assert(!VALID(INTRUDER, c, call[c].generation))
    }
}

/* init's part: a dead server has a successor. */
init {
    byte c;
    atomic {
        for (c : 0 .. CALLERS - 1) {
            run Caller(c)
        }
        run Intruder()
    }
end:
    do
    :: atomic {
        serving == 0 && servers_left > 0 ->
            servers_left--;
            channel_generation++;
            serving = SERVERS - servers_left;
            run Server(serving)
       }
    od
}
