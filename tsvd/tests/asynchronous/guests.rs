//! What delays do to their guests, and what the settings make of them.

use super::*;

/// What the guest sees of an operation that is ready at once, where delays are due.
fn outcomes() {
    let say = |what: &str, outcome: String| println!("outcome of {what}: {outcome}");
    for (name, runtime) in [("one", current_thread()), ("many", multi_thread())] {
        runtime.block_on(async {
            for _ in 0..5 {
                arm_touch().await;
                let cache = Cache::default();
                say(name, format!("{:?}", touch(&cache).now_or_never()));
                let chosen = tokio::select! {
                    biased;
                    () = touch(&cache) => "the operation",
                    () = async {} => "the other",
                };
                say(name, chosen.to_owned());
                let mut raced = std::pin::pin!(touch(&cache));
                let raced = futures::future::select(raced.as_mut(), std::future::ready(()));
                let first = matches!(raced.await, futures::future::Either::Left(_));
                say(name, format!("{first}"));
                let within = tokio::time::timeout(Duration::ZERO, touch(&cache)).await;
                say(name, format!("{within:?}"));
                arm_look_up().await;
                look_up(&cache, true).await;
                let chosen = tokio::select! {
                    biased;
                    () = look_up(&cache, true) => "the operation",
                    () = async {} => "the other",
                };
                say(name, chosen.to_owned());
            }
        });
    }
    let paused = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    paused.block_on(async {
        for _ in 0..5 {
            arm_wait().await;
            let begun = tokio::time::Instant::now();
            let cache = Cache::default();
            tokio::join!(wait(&cache), tokio::time::sleep(Duration::from_millis(7)));
            say("paused", format!("{:?}", begun.elapsed()));
            let ends = tokio::spawn(async { wait(&Cache::default()).await });
            tokio::time::advance(Duration::from_secs(1)).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
            say("paused", format!("{}", ends.is_finished()));
        }
    });
}

#[test]
fn what_is_ready_at_once_stays_so_for_whoever_races_it() {
    let Some(watched) = run_with(&[], outcomes) else {
        return;
    };
    let off = run_with(&[("TSVD", "off")], outcomes).expect("the parent");
    let outcome = |ended: &Ended| {
        let lines = ended.stdout.lines();
        let outcomes = lines.filter_map(|line| Some(line[line.find("outcome of")?..].to_owned()));
        outcomes.collect::<Vec<_>>()
    };
    assert_clean(&watched);
    let report = watched.report.as_ref().unwrap();
    assert!(
        report.summary.pairs_armed > 0 && report.summary.delays > 0,
        "{:?}",
        report.summary
    );
    assert!(!report.run.disturbed);
    let paused = cfg!(feature = "tokio");
    let [seen, expected] = [&watched, &off].map(|ended| {
        let outcomes = outcome(ended).into_iter();
        outcomes
            .filter(|line| paused || !line.contains("paused"))
            .collect::<Vec<_>>()
    });
    assert_eq!(expected.len(), if paused { 60 } else { 50 }, "{expected:?}");
    assert_eq!(seen, expected);
}

/// Polls the first, and the second if that is not ready.
struct FirstOf<A, B>(Pin<Box<A>>, Pin<Box<B>>);

impl<A: Future, B: Future> Future for FirstOf<A, B> {
    type Output = &'static str;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.0.as_mut().poll(cx).is_ready() {
            return Poll::Ready("the first");
        }
        self.1.as_mut().poll(cx).map(|_| "the second")
    }
}

/// A future that a test polls by hand, like `tokio_test::task::Spawn`.
struct Spawned<F>(Pin<Box<F>>);

impl<F: Future> Spawned<F> {
    fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(Arc::new(Woken::default()));
        self.enter(|future| future.poll(&mut Context::from_waker(&waker)))
    }

    fn enter<R>(&mut self, f: impl FnOnce(Pin<&mut F>) -> R) -> R {
        f(self.0.as_mut())
    }
}

/// As [`touch`], each at a call site of its own: who races one says nothing of the others.
async fn touch_first(cache: &Cache) {
    cache.write(async {}).await;
}

async fn touch_spawned(cache: &Cache) {
    cache.write(async {}).await;
}

async fn touch_mapped(cache: &Cache) {
    cache.write(async {}).await;
}

#[test]
fn what_is_polled_by_hand_within_an_executor_is_ready_at_once() {
    let body = || {
        current_thread().block_on(async {
            arm(|cache| async move { touch_first(&cache).await }).await;
            arm(|cache| async move { touch_spawned(&cache).await }).await;
            let cache = Cache::default();
            for _ in 0..5 {
                let operation = Box::pin(touch_first(&cache));
                let first = FirstOf(operation, Box::pin(std::future::ready(()))).await;
                assert_eq!(first, "the first");
                let mut spawned = Spawned(Box::pin(touch_spawned(&cache)));
                assert!(spawned.poll().is_ready());
            }
        });
    };
    let Some(ended) = run_with(&[], body) else {
        return;
    };
    assert_clean(&ended);
    assert!(ended.report.unwrap().summary.pairs_armed > 0);
}

#[test]
fn what_only_hands_on_a_poll_keeps_nobody_from_being_delayed() {
    let body = || {
        current_thread().block_on(async {
            arm(|cache| async move { touch_mapped(&cache).await }).await;
            let cache = Cache::default();
            let operation = Box::pin(touch_mapped(&cache)).map(|()| 1).boxed_local();
            assert_eq!(tokio::task::unconstrained(operation).await, 1);
        });
    };
    // Not due in the arming already.
    let Some(ended) = run_with(&[("TSVD_STRATEGY", "tsvd-fixed")], body) else {
        return;
    };
    assert_clean(&ended);
    assert!(ended.report.unwrap().summary.delays > 0);
}

#[test]
fn other_tasks_go_on_while_one_is_delayed() {
    // A long delay, and a near miss however late: on a busy machine the thread stands still for some milliseconds.
    let long = [("TSVD_STRATEGY", "tsvd-fixed"), ("TSVD_WINDOW_MS", "60000")];
    let ended = run_with(&long, || {
        current_thread().block_on(async {
            arm_wait().await;
            let count = Arc::new(AtomicU64::new(0));
            let counter = {
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    loop {
                        count.fetch_add(1, SeqCst);
                        yield_now().await;
                    }
                })
            };
            let (before, begun) = (count.load(SeqCst), Instant::now());
            wait(&Cache::default()).await;
            let delayed = begun.elapsed();
            let counted = count.load(SeqCst) - before;
            counter.abort();
            assert!(
                delayed >= Duration::from_millis(3),
                "{delayed:?}: not delayed"
            );
            assert!(counted > 20, "{counted} in {delayed:?}");
        });
    });
    if let Some(ended) = ended {
        assert_clean(&ended);
        assert_eq!(ended.report.unwrap().summary.delays, 1);
    }
}

#[test]
fn with_block_the_thread_sleeps_and_with_off_nobody() {
    for (setting, delayed) in [("suspend", true), ("block", true), ("off", false)] {
        let body = || {
            current_thread().block_on(arm_wait());
            // Not on a thread of a runtime.
            let other = Arc::new(AtomicBool::new(false));
            let until = Arc::clone(&other);
            let thread = std::thread::spawn(move || {
                while !until.load(SeqCst) {
                    std::thread::yield_now()
                }
            });
            let mut polls = 0;
            let cache = Cache::default();
            let mut future = std::pin::pin!(wait(&cache));
            futures::executor::block_on(std::future::poll_fn(|cx| {
                polls += 1;
                future.as_mut().poll(cx)
            }));
            println!("polls: {polls}");
            other.store(true, SeqCst);
            thread.join().unwrap();
        };
        let Some(ended) = run_with(&[("TSVD_ASYNC", setting)], body) else {
            return;
        };
        assert_clean(&ended);
        assert_eq!(
            ended.report.as_ref().unwrap().summary.delays > 0,
            delayed,
            "{setting}"
        );
        let polls = if setting == "suspend" {
            "polls: 3"
        } else {
            "polls: 2"
        };
        assert!(ended.stdout.contains(polls), "{setting}: {}", ended.stdout);
    }
}

#[test]
fn a_future_dropped_while_it_is_held_is_told_of_and_spared_from_then_on() {
    let body = || {
        current_thread().block_on(async {
            arm_look_up().await;
            let cache = Cache::default();
            // Held for longer than that.
            let dropped = tokio::time::timeout(Duration::from_millis(1), look_up(&cache, true));
            assert!(dropped.await.is_err());
            assert_eq!(look_up(&cache, true).now_or_never(), Some(()));
        });
    };
    let Some(ended) = run_with(&[], body) else {
        return;
    };
    assert_clean(&ended);
    assert!(ended.report.as_ref().unwrap().run.disturbed);
    let traps = std::fs::read_to_string(ended.dir.path().join("traps.json")).unwrap();
    assert!(traps.contains("\"disturbed\":true"), "{traps}");
}

#[test]
fn with_panic_the_task_that_proves_it_panics_and_the_report_is_there() {
    let body = || {
        let outcome = current_thread().block_on(async {
            let cache = Arc::new(Cache::default());
            let task = || {
                let cache = Arc::clone(&cache);
                tokio::spawn(async move { wait(&cache).await })
            };
            let (one, other) = (task(), task());
            [one.await.is_err(), other.await.is_err()]
        });
        assert_eq!(
            outcome.iter().filter(|panicked| **panicked).count(),
            1,
            "{outcome:?}"
        );
    };
    let Some(ended) = run_with(&[("TSVD_ON_VIOLATION", "panic")], body) else {
        return;
    };
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("thread-safety violation at `asynchronous::Cache::write`"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.report.unwrap().violations.len(), 1);
}

/// Polls once and no more, by a waker that nobody waits for.
#[test]
fn a_hand_made_executor_is_served_too() {
    found(|| {
        let cache = Cache::default();
        let mut futures = [Box::pin(wait(&cache)), Box::pin(wait(&cache))];
        let wakers = [(); 2].map(|()| Arc::new(Woken::default()));
        let mut ready = [false; 2];
        while ready != [true; 2] {
            for ((future, woken), ready) in futures.iter_mut().zip(&wakers).zip(&mut ready) {
                let waker = Waker::from(Arc::clone(woken));
                if !*ready
                    && let Poll::Ready(()) = future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    *ready = true;
                }
            }
        }
    });
}

/// The one that is held has rung already when its second party goes on, and has to wait for it.
#[test]
fn one_that_is_woken_before_its_time_is_woken_again() {
    ends_in_time(|| {
        for _ in 0..30 {
            let cache = Cache::default();
            let (send, receive) = futures::channel::oneshot::channel::<()>();
            let held = cache.write(async {
                yield_once().await;
                send.send(()).unwrap();
            });
            let other = cache.write(async {
                yield_once().await;
                receive.await.unwrap();
            });
            futures::executor::block_on(async { futures::join!(held, other) });
        }
    });
}

#[test]
fn a_pool_that_is_all_busy_keeps_nobody_held() {
    ends_in_time(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(1)
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            arm_wait().await;
            let (send, receive) = std::sync::mpsc::channel::<()>();
            let job = tokio::task::spawn_blocking(move || receive.recv());
            for _ in 0..5 {
                wait(&Cache::default()).await;
            }
            send.send(()).unwrap();
            job.await.unwrap().unwrap();
        });
    });
}

#[test]
fn a_runtime_that_is_gone_keeps_nobody_held() {
    ends_in_time(|| {
        let runtime = multi_thread();
        runtime.block_on(arm_wait());
        let handle = runtime.handle().clone();
        drop(runtime);
        handle.block_on(async {
            for _ in 0..5 {
                wait(&Cache::default()).await;
            }
        });
    });
}

#[test]
fn what_is_polled_by_hand_is_ready_at_once() {
    ends_in_time(|| {
        multi_thread().block_on(arm_touch());
        let waker = Waker::from(Arc::new(Woken::default()));
        for _ in 0..5 {
            let cache = Cache::default();
            let mut future = std::pin::pin!(touch(&cache));
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_ready());
        }
    });
}
