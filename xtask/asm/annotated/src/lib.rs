//! What annotations may be on, twice: in `annotated` they are there, in `plain` they are comments. Nothing else differs,
//! not even the place of a token, since lines and columns end up in the code of whatever can panic.
//!
//! rustc numbers what comes out of a macro after what does not, and numbers end up in symbol names and in the order of
//! functions. So what is not annotated comes first: `calls` at the top of the crate, `impl Copy` at the top of its module;
//! and nothing is derived. Both have the `tsvd::ObjectId`, a field of size zero: so both describe the same types to a
//! debugger, and both load `tsvd`, since unoptimised code takes instances of generics from the crates that are loaded.

use std::sync::Arc;

use functions::{append, dropped, encode, sum, variable};
use handle::Handle;
use meter::{Gauge, Meter};
use slab::Slab;
use waiting::{Cache, Load, emptied, now, replaced};

/// Calls what is below, so that generics are in code, with two types each.
pub fn calls(mut numbers: Box<Slab<u32>>, mut texts: Slab<String>, gauge: &mut Gauge) -> usize {
    numbers.extend([1, 2]);
    texts.extend([String::new()]);
    let (number, text) = (numbers.insert(3), texts.insert("three".to_owned()));
    gauge.lower(&[1, *numbers.expect(number)]);
    let level = gauge.raised(1) + numbers.values().sum::<u32>() + [7_u32][..].raised(2);
    let taken = (
        numbers.must_take(number),
        texts.must_take(text),
        texts.take(0),
    );
    let copies = (numbers.clone(), texts.clone());
    let found = copies.0.get(number).is_some() || copies.1.get(text).is_some();
    let lengths = append(&Arc::default(), taken.1)
        + dropped(String::new(), Default::default(), Vec::new())
        + variable("HOME").map_or(0, |home| home.len());
    let handle = Handle::new(&mut 7);
    let shared =
        sum(&[1, 2]) + sum(&[1, 2, 3]) + u32::from(encode(5)) + level + handle.clone().get();
    let mut cache = Box::new(Cache::new(vec![1, 2]));
    let texts = Cache::new(vec!["a".to_owned()]);
    let waited = now(replaced(&mut cache, 0)) + emptied(&mut cache, 2);
    let waited = waited as usize
        + now(texts.fetch(0)).map_or(0, String::len)
        + usize::from(now(vec![1_u8].is_loaded()))
        + now(cache.hidden_length())
        + now(cache.boxed_length())
        + now(cache.closed(String::new()));
    waited + numbers.close() + lengths + shared as usize + usize::from(found) + taken.0 as usize
}

/// Generics: methods that panic, that borrow, that are never inlined; sets; `Clone`, `Extend`, `Drop`.
pub mod slab {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    pub struct Slab<T> {
        slots: Vec<Option<T>>,
        taken: Arc<AtomicUsize>,
    }

    #[tsvd::contract]
    impl<T> Slab<T> {
        #[tsvd::read]
        pub fn get(&self, slot: usize) -> Option<&T> {
            self.slots[slot].as_ref()
        }

        #[tsvd::read(key = slot)]
        pub fn expect(&self, slot: usize) -> &T {
            self.slots.get(slot).expect("a slot").as_ref().unwrap()
        }

        #[tsvd::write]
        #[inline(never)]
        pub fn insert(&mut self, value: T) -> usize {
            let slot = self.slots.len();
            assert!(slot < 1_000, "no room for slot {slot}");
            self.slots.push(Some(value));
            self.taken.fetch_add(1, Relaxed);
            slot
        }

        #[tsvd::update(object = self.taken, role = "consumer")]
        pub fn take(&mut self, slot: usize) -> Option<T> {
            let value = self.slots.get_mut(slot)?.take()?;
            self.taken.fetch_sub(1, Relaxed);
            Some(value)
        }

        #[tsvd::write(object = *self.taken)]
        #[track_caller]
        pub fn must_take(&mut self, slot: usize) -> T {
            self.take(slot).unwrap()
        }

        #[tsvd::read]
        pub fn values(&self) -> impl Iterator<Item = &T> {
            self.slots.iter().flatten()
        }

        #[tsvd::write]
        pub fn close(self: Box<Self>) -> usize {
            self.slots.len()
        }
    }

    #[tsvd::contract(read(clone))]
    impl<T: Clone> Clone for Slab<T> {
        fn clone(&self) -> Self {
            Self {
                slots: self.slots.clone(),
                taken: Arc::clone(&self.taken),
            }
        }
    }

    #[tsvd::contract(write(extend))]
    impl<T> Extend<T> for Slab<T> {
        fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
            for value in values {
                self.insert(value);
            }
        }
    }

    #[tsvd::contract]
    impl<T> Drop for Slab<T> {
        #[tsvd::write]
        fn drop(&mut self) {
            let left = self.slots.iter().flatten().count();
            self.taken.fetch_sub(left, Relaxed);
        }
    }
}

/// A trait with a required and a default method, which one type overrides; an id.
pub mod meter {
    use tsvd::ObjectId;

    #[tsvd::contract]
    pub trait Meter {
        #[tsvd::read]
        fn level(&self) -> u32;

        #[tsvd::update(resource = "meter", key = step)]
        fn raised(&self, step: u32) -> u32 {
            self.level().checked_add(step).unwrap()
        }
    }

    pub struct Gauge {
        level: u32,
        pub id: ObjectId,
    }

    #[tsvd::contract(id = self.id, read(level), update(raised))]
    impl Meter for Gauge {
        fn level(&self) -> u32 {
            self.level
        }

        fn raised(&self, step: u32) -> u32 {
            self.level / step
        }
    }

    #[tsvd::contract]
    impl Gauge {
        pub fn new(level: u32) -> Self {
            Self {
                level,
                id: ObjectId::new(),
            }
        }

        #[tsvd::write(id = self.id)]
        pub fn lower(&mut self, steps: &[u32]) {
            for step in steps {
                self.level -= step;
            }
        }

        #[tsvd::update(id = self.id)]
        pub fn consumed(self, step: u32) -> u32 {
            self.level % step
        }
    }

    #[tsvd::contract]
    impl Meter for [u32] {
        #[tsvd::read]
        fn level(&self) -> u32 {
            self[0]
        }
    }
}

/// Methods of a handle that is copied, and an unsafe one.
pub mod handle {
    pub struct Handle(*mut u32);

    impl Copy for Handle {}

    #[tsvd::contract(read(clone), object = self.0)]
    impl Clone for Handle {
        fn clone(&self) -> Self {
            *self
        }
    }

    #[tsvd::contract(object = self.0)]
    impl Handle {
        pub fn new(number: &mut u32) -> Self {
            Self(number)
        }

        #[tsvd::read]
        pub fn get(self) -> u32 {
            // SAFETY: nobody runs this; it is there to be compiled.
            unsafe { *self.0 }
        }

        /// # Safety
        ///
        /// Not to be called.
        #[tsvd::write]
        pub unsafe fn set(self: Box<Self>, value: u32) -> Result<u32, std::num::TryFromIntError> {
            let small = u8::try_from(value)?;
            // SAFETY: as above.
            unsafe { self.0.write(small.into()) };
            Ok(value)
        }
    }
}

/// A resource and a key, an object, another ABI, parameters that are dropped in order, a `const` generic.
pub mod functions {
    use std::sync::Arc;

    #[tsvd::read(resource = "environment", key = name)]
    pub fn variable(name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    #[tsvd::write(object = log, key = line.len())]
    pub fn append(log: &Arc<Vec<String>>, line: String) -> usize {
        log.len() + line.len()
    }

    #[tsvd::update(resource = "library")]
    pub extern "C" fn encode(text: u8) -> u8 {
        text.checked_mul(3).unwrap()
    }

    #[tsvd::write(resource = "order", role = "producer")]
    pub fn dropped(_: String, (first, _second): (String, String), _third: Vec<u8>) -> usize {
        first.len()
    }

    #[tsvd::read(object = numbers)]
    pub fn sum<const N: usize>(numbers: &[u32; N]) -> u32 {
        numbers.iter().map(|number| number / N as u32).sum()
    }
}

/// What waits: methods that borrow and that consume, of traits and of generics; futures hidden and in boxes; regions.
pub mod waiting {
    use std::future::{Future, ready};
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    pub struct Cache<T> {
        values: Vec<T>,
    }

    #[tsvd::contract]
    #[allow(async_fn_in_trait)]
    pub trait Load {
        #[tsvd::read]
        async fn loaded(&self) -> usize;

        #[tsvd::read]
        async fn is_loaded(&self) -> bool {
            self.loaded().await > 0
        }
    }

    #[tsvd::contract]
    impl Load for Vec<u8> {
        #[tsvd::read]
        async fn loaded(&self) -> usize {
            ready(self.len()).await
        }
    }

    #[tsvd::contract(thread_safe)]
    impl<T: Clone> Cache<T> {
        pub fn new(values: Vec<T>) -> Self {
            Self { values }
        }

        #[tsvd::read(key = at)]
        pub async fn fetch(&self, at: usize) -> Option<&T> {
            ready(()).await;
            self.values.get(at)
        }

        #[tsvd::update(when = |old| old.is_ok())]
        pub async fn swapped(&mut self, at: usize, (mut value, _): (T, u8)) -> Result<T, String> {
            let place = self.values.get_mut(at).ok_or("no such place")?;
            ready(()).await;
            std::mem::swap(place, &mut value);
            Ok(value)
        }

        #[tsvd::update(when = |taken| !taken.is_empty())]
        pub fn taken(&mut self) -> Vec<T> {
            std::mem::take(&mut self.values)
        }

        #[tsvd::write]
        pub async fn closed(self: Box<Self>, _: String) -> usize {
            ready(()).await;
            self.values.len()
        }

        #[tsvd::read]
        pub fn hidden_length(&self) -> impl Future<Output = usize> + '_ {
            async { self.values.len() }
        }

        #[tsvd::read]
        pub fn boxed_length(&self) -> Pin<Box<dyn Future<Output = usize> + '_>> {
            Box::pin(async { self.values.len() })
        }
    }

    #[tsvd::expect_atomic]
    pub async fn replaced(cache: &mut Cache<u32>, at: usize) -> u32 {
        let old = cache.fetch(at).await.copied().unwrap();
        cache.swapped(at, (old + 1, 0)).await.unwrap()
    }

    #[tsvd::expect_atomic(strict)]
    pub fn emptied(cache: &mut Cache<u32>, by: u32) -> u32 {
        cache.taken().iter().map(|value| value / by).sum()
    }

    pub fn now<F: Future>(future: F) -> F::Output {
        match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits"),
        }
    }
}

/// Scopes: calls, so nothing is left of them only where calls are inlined.
#[cfg(not(debug_assertions))]
pub mod scopes {
    pub fn total(numbers: &[u32], key: u32) -> u32 {
        let _scope = tsvd::scope(numbers).key(&key).role("reader").read();
        numbers[0] + numbers.iter().sum::<u32>() / key
    }

    pub fn set(numbers: &mut Vec<String>, text: &str) {
        let _scope = tsvd::scope(&*numbers).write();
        numbers.push(text.to_owned());
    }
}

/// Drop-ins: other types than what they stand for, so that only what is not named after them can be the same, where calls are
/// inlined.
#[cfg(not(debug_assertions))]
pub mod drop_ins {
    use tsvd::dashmap::DashMap;
    use tsvd::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use tsvd::sync::{Mutex, OnceLock, RwLock};

    #[unsafe(no_mangle)]
    pub fn drop_in_visit(map: &DashMap<u64, u64>, key: u64) -> u64 {
        let found = map.get(&key).map_or(0, |value| *value);
        if let Some(mut value) = map.get_mut(&key) {
            *value += found;
        }
        found + u64::from(map.contains_key(&7)) + map.len() as u64
    }

    #[unsafe(no_mangle)]
    pub fn drop_in_change(map: &DashMap<u64, u64>, key: u64) -> Option<u64> {
        map.remove_if(&3, |_, value| *value > key);
        map.iter_mut().for_each(|mut value| *value += 1);
        let removed = map.remove(&key).map(|(_, value)| value);
        map.insert(key, 7).or(removed)
    }

    #[unsafe(no_mangle)]
    pub fn drop_in_add(mutex: &Mutex<u64>, lock: &RwLock<u64>, value: u64) -> u64 {
        *mutex.lock().unwrap() += value;
        *lock.write().unwrap() += *lock.read().unwrap();
        mutex.try_lock().map_or(0, |value| *value)
    }

    #[unsafe(no_mangle)]
    pub fn drop_in_count(count: &AtomicU64, flag: &AtomicBool, first: &OnceLock<u64>) -> u64 {
        let old = count.fetch_add(count.load(Ordering::Acquire), Ordering::AcqRel);
        let was = flag.compare_exchange(false, true, Ordering::SeqCst, Ordering::Relaxed);
        count.store(u64::from(was.is_ok()), Ordering::Release);
        *first.get_or_init(|| old)
    }

    #[unsafe(no_mangle)]
    pub fn drop_in_wait(map: &DashMap<u64, u64>, lock: &RwLock<u64>, key: u64) -> u64 {
        super::waiting::now(drop_in_later(map, lock, key))
    }

    #[tsvd::expect_atomic]
    #[unsafe(no_mangle)]
    pub fn drop_in_register(map: &DashMap<u64, u64>, flag: &AtomicBool, key: u64) -> bool {
        if map.contains_key(&key) || flag.load(Ordering::Acquire) {
            return false;
        }
        map.insert(key, 1);
        flag.store(true, Ordering::Release);
        true
    }

    #[tsvd::expect_atomic(strict)]
    #[inline]
    pub async fn drop_in_later(map: &DashMap<u64, u64>, lock: &RwLock<u64>, key: u64) -> u64 {
        let known = map.get(&key).map_or(0, |value| *value);
        std::future::ready(()).await;
        *lock.write().unwrap() = known;
        map.insert(key, known + 1).unwrap_or(0)
    }
}

/// `entry` is an enum that is made anew, whose fields are moved between registers and stack at other places: `cargo xtask asm`
/// counts all instructions but these moves.
#[cfg(all(not(debug_assertions), feature = "entries"))]
pub mod entries {
    use tsvd::dashmap::{DashMap, Entry};

    #[unsafe(no_mangle)]
    pub fn drop_in_entry_count(map: &DashMap<u64, u64>, key: u64) {
        *map.entry(key).or_insert(0) += 1;
    }

    #[unsafe(no_mangle)]
    pub fn drop_in_entry_default(map: &DashMap<u64, u64>, key: u64) -> u64 {
        *map.entry(key).or_default()
    }

    #[unsafe(no_mangle)]
    pub fn drop_in_entry_modify(map: &DashMap<u64, u64>, key: u64) {
        map.entry(key).and_modify(|value| *value += 1).or_insert(7);
    }

    #[unsafe(no_mangle)]
    pub fn drop_in_entry_match(map: &DashMap<u64, u64>, key: u64) -> u64 {
        match map.entry(key) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => *entry.insert(3),
        }
    }
}
