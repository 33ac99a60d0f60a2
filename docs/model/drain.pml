/*
 * drain: take users off a Samba share so that it can be updated
 *
 * The protocol, for spin. docs/model/README.md says what each step is in the
 * code, and what is left out; tests/run/model.py in which sizes it is
 * checked, and which mutants have to be caught.
 *
 * One step is one access to what processes share: a database, a lock, the file
 * system. An smbd is single threaded: it takes the next event when it is
 * through with this one, and others run between the steps of both.
 */

/*
 * Sizes and features, by -D
 */
#ifndef SMBDS
#define SMBDS 2
#endif
#ifndef TOOLS
#define TOOLS 2
#endif
#ifndef DRAINS
#define DRAINS 2 /* at most: ids that are given out in all */
#endif
#ifndef HANDLES
#define HANDLES 2 /* at most; the first is durable, if DURABLE says so */
#endif
#ifndef DURABLE
#define DURABLE 0
#endif

/*
 * In LIVE runs whatever keeps the system from settling costs energy, and in others
 * that would be too large
 */
#if defined(LIVE) && !defined(ENERGY)
#define ENERGY 3
#endif
#ifdef ENERGY
byte energy = ENERGY;
#define SPEND(condition) energy > 0 && (condition) -> energy--
#else
#define SPEND(condition) (condition)
#endif

/*
 * Properties. Each has a name, which is what spin says when it does not hold.
 */
bool S1_armed_means_closed = true;
bool S2_quiescent_means_empty = true;
bool S2_only_resume_leaves_it = true;
bool S4_resumed_means_open = true;
bool S4_resumed_for_good = true;
bool S5_nothing_half_updated = true;
bool run_is_alone = true;
bool nobody_exchanges_what_is_open = true;
bool nothing_old = true;
bool arming_means_closed = true; /* not promised, and not so */
#ifdef EXPECT
/* A mutant: whatever else it breaks, this one is looked for */
#define CHECK(property, condition) property = (condition); assert(EXPECT)
#else
#define CHECK(property, condition) property = (condition); assert(property)
#endif

/*
 * What processes share
 */
#define BIT(i) (1 << (i))
#define LOWEST_BIT(set) (((set) & 1) -> 1 : (set))

/* smbdrain.tdb: survives everything */
mtype = { none, arming, armed, quiescent };
mtype record[2] = none;
byte begun; /* ids that were given out */
byte ended; /* those whose record was taken away */
byte half; /* drains whose record says that it is half published */
#define IN_FORCE(d) (record[d] != none)

/*
 * Each write of a record: it does not come again, and only a resume ends what
 * is quiescent
 */
inline write(d, state, resumes)
{
	CHECK(S4_resumed_for_good, !(ended & BIT(d)));
	CHECK(S2_only_resume_leaves_it,
	      record[d] != quiescent || state == quiescent || (resumes));
	record[d] = state;
	ended = (record[d] == none -> ended | BIT(d) : ended)
}

#define ANY (IN_FORCE(0) || IN_FORCE(1))
#ifdef NESTED
#define MAY_BEGIN(d) (!(begun & BIT(d)))
#else
#define MAY_BEGIN(d) (!ANY && !(begun & BIT(d)) && (d == 0 || begun == 1))
#endif

/* The tree: which version is in it */
bit version;

/* g_lock.tdb. Of the dead there is nothing here: dumps leave them out. */
byte roster; /* smbds */
byte hold[2]; /* smbds that share it */
byte claimed[2]; /* the tool that has it exclusively, + 1 */
byte owner[2]; /* the tool + 1, or an smbd */
#define OWNING(smbd) (1 + TOOLS + (smbd))
byte publisher[2]; /* likewise */
byte runner[2]; /* the tool + 1 */
byte working[2]; /* who owns it and whose command is running, + 1 */

/* smbXsrv_tcon_global.tdb: smbds with a connection; those without the module */
byte connected;
byte plain;
bool configured; /* smb.conf has the module, and all smbds have read it */

/*
 * Those in another PID namespace than the tools: each takes the other for dead.
 * A tool is on the bus from before it reads a record.
 */
#ifdef STRANGERS
byte strange;
#define TOOLS_ON_BUS (wanted[0] || wanted[TOOLS - 1])
#define ARE_STRANGERS_THERE (connected & strange)
#define SEES_STRANGERS(s) \
	((strange & BIT(s)) -> TOOLS_ON_BUS || (connected & ~strange) : \
			       ARE_STRANGERS_THERE != 0)
#endif
/* As a tool sees them: drain_is_alive() */
#ifdef MUTANT_DEAD_BY_NUMBER
#define LIVING(smbds) ((smbds) & ~strange)
#else
#define LIVING(smbds) (smbds)
#endif

/* Drains whose command has changed a part of the tree */
#if defined(NESTED) && defined(RUNS)
#define NEIGHBOURS
byte changing;
#endif

/* locking.tdb: who has a handle */
#define NOBODY 0
#define AWAY 1 /* durable, its client is away */
#define OF(smbd) (2 + (smbd))
byte has[2];

/*
 * Where it is. All drains are of the same target, or drain 1 is inside of 0, or
 * the target is a link that leads to the inner place and is made to lead to the
 * other: the record covers that too, from before it is made to.
 */
#define INNER 1
#define WIDENED 4 /* beside the drains that an smbd knows */
bit place[2];
bool wide; /* the record covers both */
bool led; /* the link leads to the other */
#ifdef LINK
#define COVERING(place) ((place) == INNER || led -> 1 : 0)
#else
#ifdef NESTED
#define COVERING(place) ((place) == INNER -> 3 : 1)
#else
#define COVERING(place) 3
#endif
#endif
#define COVERS(d, place) (COVERING(place) & BIT(d))

/* The drains that an smbd obeys. In those it has marked what it has. */
byte known[SMBDS];
#ifdef LINK
#define OBEYED(s, place) \
	((place) == INNER -> known[s] & 1 : (known[s] & WIDENED) != 0)
#else
#define OBEYED(s, place) (known[s] & COVERING(place))
#endif
#ifdef MUTANT_MARKED_IN_ONE
#define MARKS_OF(s, place) LOWEST_BIT(OBEYED(s, place))
#else
#define MARKS_OF(s, place) OBEYED(s, place)
#endif
#define MARKED(h, s, d) \
	(has[h] == OF(s) && !(plain & BIT(s)) && \
	 (MARKS_OF(s, place[h]) & BIT(d)))
#define MARKS(s, d) (MARKED(0, s, d) || MARKED(1, s, d))
byte parked; /* smbds with an open that waits */
byte telling; /* tools that have ended a drain, and are to tell of it */
bool untold; /* one died in that: nothing but hold_timeout brings them back */

/*
 * The bus: whom a survey has asked, and what they have said to it. An answer is
 * there from when it is sent to the end of the survey: it is heard at any time
 * after, once or more often. To another survey it is none, for its cookie.
 */
byte wanted[TOOLS]; /* the drain that it is about, + 1 */
byte asked[TOOLS];
byte says[TOOLS]; /* that they obey it */
byte denies[TOOLS]; /* that they know of it */
byte current[TOOLS]; /* who is about to answer this survey */

/* What a tool has found: of connections, of which one that is new is another */
byte obeying[TOOLS]; /* that an answer was about */
byte first[TOOLS]; /* unguarded at the first look, and at each one since */

/* Who sleeps until hold(id) changes, the first in line first */
#ifdef LIVE
byte line[2]; /* the first + 1, plus 4 times the second + 1 */
#define FIRST_IN_LINE(d) (line[d] % 4)
#define JOIN_LINE(d, t) line[d] = (line[d] -> line[d] + 4 * (t + 1) : t + 1)
#define LEAVE_LINE(d, t) \
	line[d] = (FIRST_IN_LINE(d) == t + 1 -> line[d] / 4 : \
		   (line[d] / 4 == t + 1 -> FIRST_IN_LINE(d) : line[d]))
byte woken; /* tools */
byte blocker[TOOLS]; /* the smbd whose death would wake it, + 1 */
byte waiting; /* tools that arm, or wait for quiescence */
#endif

/* SIGKILL */
chan kill_of_smbd[SMBDS] = [0] of { bit };
chan kill_of_tool[TOOLS] = [0] of { bit };

/* A power failure: who has not yet started anew; nobody goes on before */
byte smbds_reset;
byte tools_reset;

/*
 * Locks
 */
#define HELD(s, d) (hold[d] & BIT(s))

#define RELEASE(lock, by) lock = (lock == by -> 0 : lock)

/*
 * publish(id): of who publishes, and for a moment of who ends the drain. To
 * have it before is no error.
 */
#ifdef MUTANT_PUBLISHER_NOT_ASKED
#define PUBLISH_IS_FREE(by) true
#define CLAIM_PUBLISH(by) skip
#else
#define PUBLISH_IS_FREE(by) (publisher[d] == 0 || publisher[d] == by)
#define CLAIM_PUBLISH(by) publisher[d] = by
#endif

/* The first is told, and passes it on when it has looked */
inline wake(d)
{
#ifdef LIVE
	if
	:: line[d] -> woken = woken | BIT(FIRST_IN_LINE(d) - 1)
	:: else
	fi
#else
	skip
#endif
}

inline give(s, d)
{
	hold[d] = hold[d] & ~BIT(s);
	if
	:: hold[d] == 0 -> wake(d)
	:: else
	fi
}

#ifdef MUTANT_SECOND_HOLD_STAYS
byte twice[2];
#endif

/* settle(): once in a process, from its first mark to its last */
inline settle(s, d)
{
	if
	:: MARKS(s, d) && !HELD(s, d) && claimed[d] == 0 ->
		hold[d] = hold[d] | BIT(s)
#ifdef MUTANT_SECOND_HOLD_STAYS
	:: MARKS(s, d) && HELD(s, d) -> twice[d] = twice[d] | BIT(s)
	:: !MARKS(s, d) && HELD(s, d) && (twice[d] & BIT(s)) ->
		twice[d] = twice[d] & ~BIT(s)
	:: !MARKS(s, d) && HELD(s, d) && !(twice[d] & BIT(s)) -> give(s, d)
#else
	:: !MARKS(s, d) && HELD(s, d) -> give(s, d)
#endif
	:: else
	fi
}

inline settle_all(s)
{
	for (d : 0 .. 1) {
		settle(s, d)
	}
	d = 0
}

inline give_all(s)
{
	for (d : 0 .. 1) {
		if
		:: HELD(s, d) -> give(s, d)
		:: else
		fi
	}
	d = 0
}

/*
 * smbd
 */

/* drains_sync(): read the records, then obey what is there */
inline read_records()
{
	d_step {
		list = 0;
		for (d : 0 .. 1) {
			if
			:: IN_FORCE(d) -> list = list | BIT(d)
			:: else
			fi
		}
		d = 0;
		if
		:: list && wide -> list = list | WIDENED
		:: else
		fi
	}
}

inline obey(s)
{
	d_step {
		known[s] = list;
		list = 0;
		settle_all(s)
	}
}

inline sync(s)
{
	read_records();
	obey(s)
}

/* drain_process_join() */
inline connect(s)
{
#ifdef MUTANT_RECORDS_BEFORE_ROSTER
	read_records();
	roster = roster | BIT(s);
#else
	roster = roster | BIT(s);
	read_records();
#endif
	obey(s);
	see_all_processes(s)
}

/* sees_all_processes(): no share is served while something drains */
inline see_all_processes(s)
{
#if defined(STRANGERS) && !defined(MUTANT_STRANGERS_SERVED)
	if
	:: known[s] && SEES_STRANGERS(s) ->
		atomic { known[s] = 0; disconnect(s) }
	:: else
	fi
#else
	skip
#endif
}

/* drain_process_leave(), once all that it has is closed */
inline disconnect(s)
{
	roster = roster & ~BIT(s);
	connection_gone(s)
}

inline connection_gone(s)
{
	connected = connected & ~BIT(s);
	plain = plain & ~BIT(s);
#ifdef STRANGERS
	strange = strange & ~BIT(s);
#endif
#ifdef UNGUARDED
	for (t : 0 .. TOOLS - 1) {
		obeying[t] = obeying[t] & ~BIT(s);
		first[t] = first[t] & ~BIT(s)
	}
	t = 0
#endif
}

#if defined(MUTANT_COMPARED_BY_NAME)
#define ASKED_OF(s, place) (other_name -> 0 : OBEYED(s, place))
#elif defined(MUTANT_ONE_DRAIN_ASKED)
#define ASKED_OF(s, place) (OBEYED(s, place) & 2)
#else
#define ASKED_OF(s, place) OBEYED(s, place)
#endif
#define LOWEST(set) (((set) & 1) -> 0 : 1)

#ifdef GRACE
/* drains_may_finish(): not when it is quiescent, as what is widened is */
#ifdef MUTANT_GRACE_WHEN_QUIESCENT
#define HAS_GRACE(s) true
#else
#define HAS_GRACE(s) !(known[s] & WIDENED)
#endif
#define REFUSING(s, place) \
	(ASKED_OF(s, place) & \
	 ~(HAS_GRACE(s) -> MARKS(s, 0) | (MARKS(s, 1) << 1) : 0))
#else
#define REFUSING(s, place) ASKED_OF(s, place)
#endif

/* What S1 and S2 are about: an entry in locking.tdb comes into being */
inline note_handle(s, h, finishing)
{
	for (d : 0 .. 1) {
		if
		:: COVERS(d, where) ->
			CHECK(S1_armed_means_closed,
			      finishing || record[d] != armed);
#ifdef EXPECT_CLOSED_WHILE_ARMING
			CHECK(arming_means_closed, record[d] != arming);
#endif
			CHECK(S2_quiescent_means_empty,
			      record[d] != quiescent)
		:: else
		fi
	}
	CHECK(nothing_old, where != INNER || seen == version);
	CHECK(S5_nothing_half_updated, !(half & COVERING(where)));
	has[h] = OF(s);
	place[h] = where;
	settle_all(s)
}

/* No new handle is durable in what is drained */
#define MAY_BE_DURABLE(finishing) !(DURABLE && finishing)

inline grant(s, finishing)
{
	d_step {
		if
		:: HANDLES > 0 && has[0] == NOBODY &&
		   MAY_BE_DURABLE(finishing) ->
			note_handle(s, 0, finishing)
		:: else ->
			if
			:: HANDLES > 1 && has[1] == NOBODY ->
				note_handle(s, 1, finishing)
			:: else
			fi
		fi
	}
}

/* drain_vfs_create_file(), from the moment on in which smbd looks up the name */
inline open(s)
{
	seen = version;
	if
	:: !(plain & BIT(s)) && ASKED_OF(s, where) -> ask_gate(s)
	:: else -> grant(s, false)
	fi
}

/* is_still_there() */
#ifdef MUTANT_ASKED_AFTER_RESUME
#define LOOKED_UP_ANEW true
#else
#define LOOKED_UP_ANEW (seen == version)
#endif

inline ask_gate(s)
{
	if
	:: !REFUSING(s, where) -> grant(s, true)
	:: else ->
		d_step {
			d = LOWEST(REFUSING(s, where));
			over = (ended & BIT(d)) != 0
		}
		/* drain_gate_in_force() */
		if
#ifdef MUTANT_RECORD_NOT_LOOKED_AT
		:: atomic { true -> refuse() }
#else
		:: atomic { IN_FORCE(d) -> refuse() }
		:: atomic { !IN_FORCE(d) -> d = 0; list = 0; over = false }
			sync(s);
			/* It is put off and looked up anew, if it can be */
			if
			:: put_off()
			:: !ASKED_OF(s, where) && LOOKED_UP_ANEW ->
				grant(s, false)
			fi
#endif
		fi
	fi
}

/* It waits, and comes again; where nobody looks whether it does it may not */
inline put_off()
{
#ifdef PARK
	parked = parked | BIT(s)
#else
	skip
#endif
}

inline refuse()
{
	CHECK(S4_resumed_means_open, !over);
	if
	:: !MARKS(s, d) -> put_off()
	:: else
	fi;
	d = 0;
	over = false
}

/* The entry goes first, then handle_gone() is called */
inline close(s, rest)
{
#ifdef MUTANT_GIVEN_BACK_BEFORE_CLOSED
	d_step {
		give_all(s)
	}
	has[h] = rest
#else
	has[h] = rest;
	d_step {
#ifdef MUTANT_GIVEN_BACK_AT_FIRST_CLOSE
		give_all(s)
#else
		settle_all(s)
#endif
	}
#endif
}

/* drains_return_begin(), SMB_VFS_NEXT_DURABLE_RECONNECT, drains_return_end() */
inline come_back(s)
{
	allowed = true;
	for (d : 0 .. 1) {
		if
		:: OBEYED(s, place[0]) & BIT(d) ->
#ifdef MUTANT_STATE_READ_BEFORE_HOLD
			allowed = allowed && record[d] != quiescent;
			take_to_return(s)
#else
			take_to_return(s)
#ifndef MUTANT_STATE_NOT_READ
			;
			allowed = allowed && record[d] != quiescent
#endif
#endif
		:: else
		fi
	}
	d = 0;
	d_step {
		if
		:: allowed && has[0] == AWAY ->
			for (d : 0 .. 1) {
				if
				:: COVERS(d, place[0]) ->
					CHECK(S2_quiescent_means_empty,
					      record[d] != quiescent)
				:: else
				fi
			}
			has[0] = OF(s)
		:: else
		fi;
		allowed = false;
		settle_all(s)
	}
}

inline take_to_return(s)
{
#ifdef MUTANT_RETURNS_WITHOUT_HOLD
	skip
#else
	d_step {
		if
		:: claimed[d] == 0 -> hold[d] = hold[d] | BIT(s)
		:: else -> allowed = false
		fi
	}
#endif
}

/* drain_answer() */
inline answer(s)
{
	current[t] = current[t] | BIT(s);
#ifdef MUTANT_ACKNOWLEDGED_FIRST
	says[t] = says[t] | BIT(s);
	sync(s);
	t = 0
#else
	sync(s);
	d_step {
		if
		:: !(current[t] & BIT(s))
		:: else ->
			current[t] = current[t] & ~BIT(s);
			if
			:: wanted[t] && (known[s] & BIT(wanted[t] - 1)) ->
				says[t] = says[t] | BIT(s)
			:: else -> denies[t] = denies[t] | BIT(s)
			fi
		fi;
		t = 0
	}
#endif
}

/* An answer is lost; or whoever gave it has another identity by now */
inline unsay(s, to)
{
	says[to] = says[to] & ~BIT(s);
	denies[to] = denies[to] & ~BIT(s)
}

/* It is there once, or will be once more */
inline take_request(s, from)
{
	t = from;
	if
	:: asked[t] = asked[t] & ~BIT(s)
#ifndef RELIABLE
	:: SPEND(true)
#endif
	fi
}

/*
 * What smbcontrol asks of it: nobody is heard, so that a drain that begins stays
 * arming until a tool goes on with it
 */
#define CAN_BE_ASKED(s) (IS_UP(s) && !(plain & BIT(s)) && (roster & BIT(s)))

inline begin_for_smbcontrol()
{
	if
	:: MAY_BEGIN(0) ->
#ifdef MUTANT_SMBCONTROL_ARMS
		write(0, armed, false);
#else
		write(0, arming, false);
#endif
		begun = begun | BIT(0)
	:: else
	fi
}

/* Owned like any end, but without a word if it is not to be had */
inline end_for_smbcontrol(s)
{
#ifndef MUTANT_SMBCONTROL_OWNS_NOTHING
	if
	:: atomic { owner[d] == 0 -> owner[d] = OWNING(s) }
#ifdef RUNS
		if
		:: atomic { PUBLISH_IS_FREE(OWNING(s)) ->
			    CLAIM_PUBLISH(OWNING(s)) }
		:: atomic { !PUBLISH_IS_FREE(OWNING(s)) -> owner[d] = 0 }
		fi
#endif
	:: owner[d] != 0
	fi;
	if
	:: owner[d] == OWNING(s) && !(half & BIT(d)) ->
#endif
		d_step {
			if
			:: IN_FORCE(d) ->
				CHECK(run_is_alone, working[d] == 0);
				write(d, none, true);
				wide = false
			:: else
			fi
		}
		atomic { wake(d) }
#ifndef MUTANT_SMBCONTROL_OWNS_NOTHING
	:: else
	fi;
	d_step { RELEASE(publisher[d], OWNING(s)); RELEASE(owner[d], OWNING(s)) }
#endif
	d = 0;
	sync(s)
}

inline pick_place()
{
	if
	:: where = INNER
#ifdef NAMES
	:: where = INNER; other_name = true
#endif
#if defined(NESTED) || defined(LINK)
	:: where = 0
#endif
	fi
}

#define IS_UP(s) (connected & BIT(s))
#define HAS(s) (has[0] == OF(s) || has[1] == OF(s))

inline start_smbd()
{
	d = 0; h = 0; t = 0; list = 0;
	where = 0; seen = 0; over = false; allowed = false; other_name = false
}

proctype smbd(byte s)
{
	byte d, h, t, list;
	bit where, seen;
	bool allowed, over;
	bool other_name; /* of the directory that it names, or of one above */

again:
	{
		do
		/* smbd: connects */
		:: d_step { SPEND(!IS_UP(s)); connected = connected | BIT(s) }
			connect(s)
#ifdef STRANGERS
		/* smbd: connects in another PID namespace */
		:: d_step { SPEND(!IS_UP(s)); connected = connected | BIT(s);
			    strange = strange | BIT(s) }
			connect(s)
#endif
#ifdef UNGUARDED
		/* smbd: connects past the module */
		:: d_step { SPEND(!IS_UP(s) && !configured);
			    connected = connected | BIT(s);
			    plain = plain | BIT(s) }
#endif
		/* smbd: disconnects */
		:: atomic { IS_UP(s) && !HAS(s) && !(parked & BIT(s)) ->
			disconnect(s) }
#ifdef PARK
		/* smbd: goes on with what waited */
		:: atomic { parked & BIT(s) && (!known[s] || untold);
			    parked = parked & ~BIT(s); pick_place() }
			open(s); d_step { where = 0; seen = 0; other_name = false }
#endif
		/* smbd: opens */
		:: atomic {
			SPEND(IS_UP(s) && !(parked & BIT(s)));
			pick_place()
		} open(s); d_step { where = 0; seen = 0; other_name = false }
		/* smbd: closes */
		:: atomic { has[0] == OF(s) -> h = 0 } close(s, NOBODY)
		/* smbd: closes */
		:: atomic { has[1] == OF(s) -> h = 1 } close(s, NOBODY); h = 0
		/* smbd: loses a client */
		:: atomic { DURABLE && SPEND(has[0] == OF(s)); h = 0 }
			close(s, AWAY)
		/* smbd: takes a client back */
		:: atomic { SPEND(IS_UP(s) && has[0] == AWAY &&
				  !(plain & BIT(s))) }
			come_back(s)
#ifdef SMBCONTROL
		/* smbd: is asked to begin */
		:: d_step { SPEND(CAN_BE_ASKED(s)); begin_for_smbcontrol() }
			sync(s)
		/* smbd: is asked to resume */
		:: atomic { SPEND(CAN_BE_ASKED(s) && IN_FORCE(0)) }
			end_for_smbcontrol(s)
#endif
		/* smbd: answers */
		:: atomic { asked[0] & BIT(s) -> take_request(s, 0) } answer(s)
#if TOOLS > 1
		/* smbd: answers */
		:: atomic { asked[1] & BIT(s) -> take_request(s, 1) } answer(s)
#endif
#ifndef RELIABLE
		/* smbd: does not get a request */
		:: d_step { SPEND(asked[0] & BIT(s));
			    asked[0] = asked[0] & ~BIT(s) }
		/* smbd: is not heard */
		:: d_step { SPEND((says[0] | denies[0]) & BIT(s));
			    unsay(s, 0) }
#if TOOLS > 1
		/* smbd: does not get a request */
		:: d_step { SPEND(asked[1] & BIT(s));
			    asked[1] = asked[1] & ~BIT(s) }
		/* smbd: is not heard */
		:: d_step { SPEND((says[1] | denies[1]) & BIT(s));
			    unsay(s, 1) }
#endif
		/* smbd: hears an earlier survey, or a dead tool */
		:: atomic { SPEND(CAN_BE_ASKED(s)) } sync(s)
#endif
		od
	} unless {
#ifdef POWER
		d_step { smbds_reset & BIT(s) ->
			 smbds_reset = smbds_reset & ~BIT(s); start_smbd() }
#else
		atomic { kill_of_smbd[s]?_ -> start_smbd() }
#endif
	}
	goto again
}

/*
 * smbdrain
 */

/* ask_listen(): nobody heeds what has another cookie */
inline forget_answers(t)
{
	asked[t] = 0;
#if !defined(MUTANT_COOKIE_NOT_LOOKED_AT) && \
	!defined(MUTANT_NEITHER_COOKIE_NOR_ID_LOOKED_AT)
	says[t] = 0;
	denies[t] = 0;
	current[t] = 0
#endif
}

/*
 * survey_take(): everybody in a fresh dump of the roster has answered. With two
 * answers of one smbd, either may be what was heard last.
 */
#define ANSWERED(t) (says[t] | denies[t])
inline survey()
{
	d_step { refused = false; forget_answers(t) }
#ifndef MUTANT_NO_ACKNOWLEDGEMENT
	do
	:: d_step {
		LIVING(roster) & ~ANSWERED(t) ->
		members = LIVING(roster);
		asked[t] = members & ~ANSWERED(t)
	}
#ifdef MUTANT_ASKED_ONCE
		!(members & ~ANSWERED(t));
		members = 0
#else
		/* All have answered, or it is of use to ask again */
		d_step {
			!(members & ~ANSWERED(t)) ||
			members & ~(ANSWERED(t) | asked[t]) ->
			members = 0
		}
#endif
	:: d_step { !(LIVING(roster) & ~says[t]) ->
		    obeying[t] = roster;
		    forget_answers(t) }
		break
	:: d_step { !(LIVING(roster) & ~ANSWERED(t)) &&
		    (LIVING(roster) & denies[t]) ->
		    refused = true; obeying[t] = roster & says[t];
		    forget_answers(t) }
		break
	od
#endif
}

#ifdef UNGUARDED
/*
 * Only connections of the first look count, for all smbds have read smb.conf by
 * then. There are so many looks, and no more.
 */
inline settle_trees()
{
#ifdef MUTANT_LOOKED_BEFORE_RELOAD
	atomic { first[t] = connected & ~obeying[t]; obeying[t] = 0 }
	configured = true; /* reload_if_changed() */
#else
	configured = true; /* reload_if_changed() */
	atomic { first[t] = connected & ~obeying[t]; obeying[t] = 0 }
#endif
	do
	:: first[t] ->
		survey();
		atomic { first[t] = first[t] & ~obeying[t]; obeying[t] = 0 }
	:: first[t] -> goto gone
	:: !first[t] -> break
	od
}
#endif

/* namespace_is_shared() */
inline look_for_strangers()
{
#if defined(STRANGERS) && !defined(MUTANT_DEAD_BY_NUMBER)
	if
	:: ARE_STRANGERS_THERE -> goto gone
	:: else
	fi
#else
	skip
#endif
}

/* is_guarded(): who does not find the record says so; step_to_armed() */
inline arm()
{
	survey();
#if defined(UNGUARDED) && !defined(MUTANT_TREES_NOT_COMPARED)
	settle_trees();
#elif defined(UNGUARDED)
	configured = true;
#endif
	if
	:: refused -> goto gone
	:: else
	fi;
	look_for_strangers();
	d_step {
		if
#ifdef MUTANT_BLIND_WRITE
		:: true -> write(d, armed, false)
#else
		:: record[d] == arming -> write(d, armed, false)
		:: else
#endif
		fi;
		obeying[t] = 0
	}
}

/* handles_scan(), handles_look(): the durable ones are all that can be left */
#define LEFT_OVER (suspects & BIT(0) && has[0] == AWAY)
inline scan()
{
	d_step {
		if
		:: DURABLE && has[0] != NOBODY -> suspects = BIT(0)
		:: else -> suspects = 0
		fi
	}
}

#ifdef LIVE
/* A watch ends after 5 seconds, for not all wake-ups get through (README.md) */
#if defined(TICK) && !defined(MUTANT_NO_TICK)
#define TIME_IS_UP true
#else
#define TIME_IS_UP false
#endif
#define SLEEP(condition) (condition)
#else
#define SLEEP(condition) skip /* it may look any time */
#endif

#define FIRST(set) (((set) & 1) -> 1 : (((set) & 2) -> 2 : 0))
#define DIED 255

/* wait_for_holders(): watch first, then look */
inline wait_for_holders()
{
#ifdef LIVE
	d_step {
		JOIN_LINE(d, t);
		woken = woken & ~BIT(t);
#ifdef MUTANT_DEATH_NOT_WATCHED
		blocker[t] = 0
#else
		blocker[t] = holder
#endif
	}
	if
#ifdef MUTANT_LOOKED_THEN_WATCHED
	:: true ->
#else
	:: record[d] != armed || FIRST(hold[d]) != holder
	:: else ->
#endif
		(woken & BIT(t)) || blocker[t] == DIED || TIME_IS_UP
	fi;
	d_step {
		LEAVE_LINE(d, t);
		blocker[t] = 0;
		if
		:: woken & BIT(t) ->
			woken = woken & ~BIT(t);
			wake(d)
		:: else
		fi
	}
#endif
	holder = 0
}

/* drain_store_remove(); drain_store_expire() leaves alone what is quiescent */
#ifdef MUTANT_DEADLINE_ENDS_WHAT_IS_QUIESCENT
#define MAY_END(d) IN_FORCE(d)
#else
#define MAY_END(d) \
	(IN_FORCE(d) && (verb != to_deadline || record[d] != quiescent))
#endif

/* end_drain() */
inline end_drain()
{
	d_step {
		if
		:: MAY_END(d) ->
			CHECK(run_is_alone,
			      working[d] == 0 || working[d] == t + 1);
			write(d, none, verb != to_deadline);
#ifdef PARK
			telling = telling | BIT(t);
#endif
			wide = false
		:: else
		fi
	}
#ifdef PARK
	/* Opens that wait do not look by themselves: tell_and_hear() */
#ifdef MUTANT_END_TOLD_ONCE
	asked[t] = roster;
#else
	survey();
#endif
#endif
	atomic { telling = telling & ~BIT(t); wake(d) }
}

inline unclaim()
{
	d_step {
		if
		:: claimed[d] == t + 1 -> claimed[d] = 0; wake(d)
		:: else
		fi
	}
}

inline disown()
{
	d_step { RELEASE(publisher[d], t + 1); RELEASE(owner[d], t + 1) }
}

#define OCCUPIED(d, h) (has[h] != NOBODY && COVERS(d, place[h]))

inline record_quiescence()
{
	d_step {
		if
#ifdef MUTANT_BLIND_WRITE
		:: true ->
#elif defined(MUTANT_NOT_ARMED_BY_WAITER)
		:: record[d] == arming || record[d] == armed ->
#else
		:: record[d] == armed ->
#endif
			CHECK(S2_quiescent_means_empty,
			      !OCCUPIED(d, 0) && !OCCUPIED(d, 1));
			write(d, quiescent, false)
#ifndef MUTANT_BLIND_WRITE
		:: else
#endif
		fi
	}
}

inline be_the_runner()
{
	if
	:: atomic { runner[d] == 0 -> runner[d] = t + 1 }
	:: runner[d] != 0 -> goto done
	fi
}

inline be_the_publisher()
{
	if
	:: atomic { publisher[d] == 0 -> publisher[d] = t + 1 }
	:: publisher[d] != 0 -> goto done
	fi
}

/* end_own(): a publish goes on if the owner is a run, which it may outlive */
#ifdef MUTANT_COMMAND_NOT_OWNED
#define OWNS true
inline own_end()
{
	skip
}
#else
#define OWNS (owner[d] == t + 1)
inline own_end()
{
	if
	:: atomic { owner[d] == 0 -> owner[d] = t + 1 }
	:: atomic { owner[d] != 0 -> holder = owner[d] }
		if
		:: atomic { verb == to_publish && runner[d] == holder ->
			    holder = 0 }
		:: else -> goto gone
		fi
	fi
}
#endif

/* What an exchange comes down to, by a command or by publish */
inline exchange()
{
	CHECK(nobody_exchanges_what_is_open,
	      record[d] == quiescent && !OCCUPIED(d, 0) && !OCCUPIED(d, 1));
	CHECK(run_is_alone, !OWNS || working[d] == t + 1);
#ifdef NEIGHBOURS
	CHECK(S5_nothing_half_updated, !(changing & BIT(1 - d)));
	changing = changing & ~BIT(d);
#endif
	version = !version;
	half = half & ~BIT(d);
	RELEASE(working[d], t + 1)
}

inline publish_now()
{
#ifdef LINK
	publish_link()
#else
	/* What is put half in place is so on disk, until it is whole */
	half = half | BIT(d);
	d_step { exchange() }
#endif
}

/*
 * near_is_quiet(): with the lock of its own drain in hand, who works inside of
 * it, or around it? A command minds those that publish.
 */
inline look_near(others)
{
#if defined(NEIGHBOURS) && !defined(MUTANT_NEIGHBOURS_NOT_LOOKED_AT)
	if
	:: others -> RELEASE(working[d], t + 1); RELEASE(publisher[d], t + 1);
		goto gone
	:: else
	fi
#else
	skip
#endif
}
#define PUBLISHES_NEAR (publisher[1 - d] != 0 && publisher[1 - d] != t + 1)
#define WORKS_NEAR \
	(PUBLISHES_NEAR || (owner[1 - d] != 0 && owner[1 - d] != t + 1))

/* A command does what it likes; a publish among that is another tool */
inline work()
{
	if
	:: verb == to_publish -> look_near(WORKS_NEAR); publish_now()
	:: d_step { verb == to_run && publisher[d] != 0 ->
		    RELEASE(working[d], t + 1) } /* run --publish, which fails */
	:: atomic { verb == to_run && publisher[d] == 0 ->
		    publisher[d] = t + 1 }
		look_near(WORKS_NEAR);
		publish_now();
		RELEASE(publisher[d], t + 1)
#ifndef LINK
	:: atomic { verb == to_run -> look_near(PUBLISHES_NEAR) }
#ifdef NEIGHBOURS
		changing = changing | BIT(d);
#endif
		d_step { exchange() }
#endif
	fi
}

/*
 * publish_link(): the record covers the new place, all smbds obey it there, and
 * then nobody has anything in it. Each smbd says what it has; locking.tdb says
 * what they cannot tell of: the rest.
 */
#define HAS_THERE(h, condition) \
	(has[h] != NOBODY && place[h] == 0 && (condition))
#define IS_TOLD_OF(h) (has[h] > AWAY && (roster & BIT(has[h] - 2)))

inline publish_link()
{
	d_step {
		record[d] == quiescent ->
		wide = true
	}
	survey();
	atomic {
		obeying[t] = 0;
		in_use = refused || HAS_THERE(0, IS_TOLD_OF(0)) ||
			 HAS_THERE(1, IS_TOLD_OF(1))
	}
	in_use = in_use || HAS_THERE(0, !IS_TOLD_OF(0)) ||
		 HAS_THERE(1, !IS_TOLD_OF(1));
#ifdef MUTANT_NEW_PLACE_NOT_LOOKED_AT
	in_use = refused;
#endif
	d_step {
		if
		:: in_use -> wide = led /* drain_store_uncover() */
		:: else ->
			CHECK(S2_quiescent_means_empty,
			      !HAS_THERE(0, true) && !HAS_THERE(1, true));
			CHECK(nobody_exchanges_what_is_open,
			      record[d] == quiescent);
			CHECK(run_is_alone, !OWNS || working[d] == t + 1);
			led = true
		fi;
		RELEASE(working[d], t + 1);
		in_use = false;
		refused = false
	}
}

#define IS_NOT_OVER(d) (record[d] == arming || record[d] == armed)

/* With ROLES the first tool closes, the others get in its way */
#ifdef ROLES
#define CLOSES(t) (t == 0)
#define INTERFERES(t) (t != 0)
#else
#define CLOSES(t) true
#define INTERFERES(t) true
#endif

/* Or opens what its run has left */
#ifdef RUNS
#define RESUMES(t) (INTERFERES(t) || record[d] == quiescent)
#else
#define RESUMES(t) INTERFERES(t)
#endif

inline choose_verb()
{
	if
	:: CLOSES(t) -> verb = to_wait
#ifdef RUNS
	:: CLOSES(t) -> verb = to_run
	:: INTERFERES(t) && record[d] == quiescent && !ours ->
		verb = to_publish
#endif
#ifdef DEADLINE
	:: INTERFERES(t) && record[d] != quiescent && !ours ->
		verb = to_deadline
#endif
	:: RESUMES(t) && !ours -> verb = to_resume
	fi
}

/* drain_store_add(), or the record that is there */
inline add_or_find()
{
	if
	:: CLOSES(t) && MAY_BEGIN(0) -> ours = true
#if DRAINS > 1
	:: CLOSES(t) && MAY_BEGIN(1) -> d = 1; ours = true
#endif
	:: IN_FORCE(0)
	:: IN_FORCE(1) -> d = 1
	fi;
	if
	:: ours ->
		write(d, arming, false);
		begun = begun | BIT(d)
	:: else
	fi;
	wanted[t] = d + 1
}

mtype = { to_wait, to_run, to_resume, to_publish, to_deadline };

inline start_tool()
{
	d = 0; ours = false; suspects = 0; verb = 0;
	members = 0; holder = 0; refused = false;
	in_use = false
}

proctype tool(byte t)
{
	byte d, members, holder;
	bit suspects;
	bool ours, refused, in_use;
	mtype verb;

again:
	{
		atomic {
			add_or_find();
			choose_verb();
			if
			:: verb == to_resume || verb == to_deadline -> goto end
			:: verb == to_publish -> goto publish
			:: verb == to_wait -> ours = false
			:: else
			fi
		}
		look_for_strangers();
		if
		:: verb == to_run -> be_the_runner()
		:: else
		fi;
#ifdef LIVE
		waiting = waiting | BIT(t);
#endif
#ifdef MUTANT_SCANNED_BEFORE_ARMED
		scan();
#endif
#ifndef MUTANT_NOT_ARMED_BY_WAITER
		if
		:: record[d] == arming -> arm()
		:: else
		fi;
#endif
#ifndef MUTANT_SCANNED_BEFORE_ARMED
		scan();
#endif

look:		/* look() */
		if
		:: record[d] == quiescent -> goto quiet
		:: record[d] == none -> goto gone
#ifdef LIVE
		:: else
#else
		:: IS_NOT_OVER(d)
		:: IS_NOT_OVER(d) -> goto gone /* its time is up, or a signal came */
#endif
		fi;
		d_step { holder = FIRST(LIVING(hold[d])) }
		if
		:: holder != 0 -> wait_for_holders(); goto look
		:: else
		fi;
		if
		:: LEFT_OVER -> SLEEP(!LEFT_OVER); goto look
		:: else
		fi;

		/* try_to_finish() */
#ifndef MUTANT_NOT_CLAIMED
		if
		:: atomic { LIVING(hold[d]) == 0 && claimed[d] == 0 ->
			    claimed[d] = t + 1 }
		:: else -> goto look
		fi;
#endif
#ifndef MUTANT_LEFT_OVERS_SEEN_ONCE
		if
		:: LEFT_OVER -> unclaim(); goto look
		:: else
		fi;
#endif
#ifdef MUTANT_CLAIM_GIVEN_BACK_EARLY
		unclaim();
#endif
		record_quiescence();
		unclaim();
		d_step { wake(d) }
		goto look;

quiet:
		if
		:: verb == to_wait -> goto done
		:: else -> goto own
		fi;

publish:
		look_for_strangers();
		be_the_publisher();

own:		/* is_still_quiescent(), exchange_if_still_held() */
		own_end();
		if
#ifdef MUTANT_RECORD_NOT_READ_AGAIN
		:: d_step { true ->
#else
		:: else -> goto gone
		:: d_step { record[d] == quiescent ->
#endif
			    working[d] = (OWNS -> t + 1 : working[d]) }
		fi;
		work();

		/* end_after_work() */
		if
		:: atomic { verb == to_run && PUBLISH_IS_FREE(t + 1) ->
			    CLAIM_PUBLISH(t + 1) }
			if
			:: half & BIT(d)
			:: else -> end_drain()
			fi
		:: true /* it failed, or that is not free: it stays drained */
		fi;
		goto done;

end:
#ifndef MUTANT_RESUMED_WITHOUT_OWNER
		if
		:: atomic { owner[d] == 0 -> owner[d] = t + 1 }
		:: owner[d] != 0 && owner[d] != t + 1 -> goto done
		:: owner[d] == t + 1
		fi;
#endif
		/* drain_end_claim(). Nobody publishes what its deadline ends. */
#ifdef RUNS
		if
		:: verb == to_deadline
		:: atomic { verb != to_deadline && PUBLISH_IS_FREE(t + 1) ->
			    CLAIM_PUBLISH(t + 1) }
		:: verb != to_deadline && !PUBLISH_IS_FREE(t + 1) -> goto done
		fi;
#endif
		if
		:: half & BIT(d)
		:: else ->
#ifdef MUTANT_RESUMED_BY_NAME
			d_step {
				if
				:: !IN_FORCE(d) && IN_FORCE(1 - d) -> d = 1 - d
				:: else
				fi
			}
#endif
			end_drain()
		fi;
		goto done;

gone:
		/* end_ours(): nothing was done by this run. But by others? */
#ifdef MUTANT_RUN_ENDS_WHAT_OTHERS_WORK_ON
		if
		:: ours -> end_drain()
		:: else
		fi;
#else
		if
		:: ours -> goto end
		:: else
		fi;
#endif
done:
		disown();
		atomic {
			RELEASE(runner[d], t + 1);
			d = 0; ours = false; suspects = 0; verb = 0;
			members = 0; holder = 0; refused = false;
			wanted[t] = 0; obeying[t] = 0; first[t] = 0;
#ifdef LIVE
			waiting = waiting & ~BIT(t)
#endif
		}
	} unless {
#ifdef POWER
		d_step { tools_reset & BIT(t) ->
			 tools_reset = tools_reset & ~BIT(t); start_tool() }
#else
		atomic { kill_of_tool[t]?_ -> start_tool() }
#endif
	}
#ifndef LIVE
	goto again
#endif
}

/*
 * What else happens
 */
inline kill_smbd(s)
{
	for (h : 0 .. 1) {
		if
		:: has[h] == OF(s) -> has[h] = NOBODY
		:: else
		fi
	}
	h = 0;
	for (d : 0 .. 1) {
		hold[d] = hold[d] & ~BIT(s);
		RELEASE(owner[d], OWNING(s));
		RELEASE(publisher[d], OWNING(s))
	}
	d = 0;
	roster = roster & ~BIT(s);
	connection_gone(s);
	parked = parked & ~BIT(s);
	known[s] = 0;
	for (t : 0 .. TOOLS - 1) {
		asked[t] = asked[t] & ~BIT(s);
		current[t] = current[t] & ~BIT(s);
		unsay(s, t);
#ifdef LIVE
		if
		:: blocker[t] == s + 1 -> blocker[t] = DIED
		:: else
		fi
#endif
	}
	t = 0
}

inline kill_tool(t)
{
	for (d : 0 .. 1) {
		RELEASE(claimed[d], t + 1);
		RELEASE(owner[d], t + 1);
		RELEASE(publisher[d], t + 1);
#ifdef NEIGHBOURS
		changing = (working[d] == t + 1 -> changing & ~BIT(d) :
						   changing);
#endif
		RELEASE(working[d], t + 1);
		RELEASE(runner[d], t + 1);
#ifdef LIVE
		LEAVE_LINE(d, t)
#endif
	}
	d = 0;
	wanted[t] = 0; obeying[t] = 0; first[t] = 0;
	forget_answers(t);
	untold = untold || (telling & BIT(t));
	telling = telling & ~BIT(t)
#ifdef LIVE
	;
	woken = woken & ~BIT(t);
	blocker[t] = 0;
	waiting = waiting & ~BIT(t)
#endif
}

proctype world()
{
	byte d, h, s, t;

	do
#ifdef KILLS
	/* world: kills an smbd */
	:: atomic { SPEND(IS_UP(0)); kill_smbd(0); kill_of_smbd[0]!0 }
#if SMBDS > 1
	/* world: kills an smbd */
	:: atomic { SPEND(IS_UP(1)); kill_smbd(1); kill_of_smbd[1]!0 }
#endif
	/* world: kills a tool */
	:: atomic { SPEND(wanted[0]); kill_tool(0); kill_of_tool[0]!0 }
#if TOOLS > 1
	/* world: kills a tool */
	:: atomic { SPEND(wanted[1]); kill_tool(1); kill_of_tool[1]!0 }
#endif
#endif
#ifdef POWER
	/* world: loses its power */
	:: d_step {
		SPEND(true);
		for (t : 0 .. TOOLS - 1) {
			kill_tool(t)
		}
		for (s : 0 .. SMBDS - 1) {
			kill_smbd(s)
		}
		s = 0;
		has[0] = NOBODY;
		has[1] = NOBODY;
		smbds_reset = BIT(SMBDS) - 1;
		tools_reset = BIT(TOOLS) - 1;
#ifdef MUTANT_RECORD_LOST
		record[0] = none;
		record[1] = none
#endif
	}
#endif
#ifdef STRANGERS
	/* world: takes the locks of a living smbd for those of a dead one */
	:: d_step {
		strange && (TOOLS_ON_BUS || (connected & ~strange)) ->
		roster = roster & ~strange;
		hold[0] = hold[0] & ~strange;
		hold[1] = hold[1] & ~strange
	}
#endif
	/* world: gives up a durable handle */
	:: d_step { has[0] == AWAY -> has[0] = NOBODY }
	od
}

init
{
	atomic {
		run world();
		run smbd(0);
#if SMBDS > 1
		run smbd(1);
#endif
		run tool(0);
#if TOOLS > 1
		run tool(1);
#endif
	}
}

#ifdef LIVE
/* Of each tool and drain: it does not stay so for ever */
#define NOT_STUCK(t, d) \
	!(<> [] ((waiting & BIT(t)) && wanted[t] == d + 1 && IS_NOT_OVER(d)))
#if DRAINS > 1
#define GETS_THERE(t) (NOT_STUCK(t, 0) && NOT_STUCK(t, 1))
#else
#define GETS_THERE(t) NOT_STUCK(t, 0)
#endif
ltl S3_it_gets_there {
	GETS_THERE(0)
#if TOOLS > 1
	&& GETS_THERE(1)
#endif
}
#endif
#ifdef PARK
ltl S4_parked_come_back {
	[] ((parked & 1) && record[0] == none -> <> !(parked & 1))
}
#endif
