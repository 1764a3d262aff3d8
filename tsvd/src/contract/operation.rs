use std::panic::Location;

/// What an operation does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Reads: any number may be in flight at once.
    Read,
    /// Writes: conflicts with every other operation.
    Write,
    /// Reads and writes in one call; to other operations a write.
    Update,
}

impl Access {
    /// The word used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Update => "update",
        }
    }

    pub(crate) fn writes(self) -> bool {
        !matches!(self, Self::Read)
    }
}

/// An annotated method or function: one static per declaration, shared by all its instances. Nothing in it ever changes, so
/// that the compiler knows it where it is called.
#[derive(Debug)]
pub struct Operation {
    contract: &'static str,
    name: &'static str,
    access: Access,
    role: Option<&'static str>,
    definition: &'static Location<'static>,
    drops: bool,
    declared: bool,
    thread_safe: bool,
}

impl Operation {
    /// An operation of `contract` (`crate::module::Type`), declared at `definition`.
    pub const fn new(
        contract: &'static str,
        name: &'static str,
        access: Access,
        definition: &'static Location<'static>,
    ) -> Self {
        Self {
            contract,
            name,
            access,
            role: None,
            definition,
            drops: false,
            declared: false,
            thread_safe: false,
        }
    }

    /// Restricts the conflicts to operations of the same role and those without role.
    pub const fn with_role(mut self, role: &'static str) -> Self {
        self.role = Some(role);
        self
    }

    /// Marks `Drop::drop`, which ends the life of its object.
    pub const fn dropping(mut self) -> Self {
        self.drops = true;
        self
    }

    /// Marks a required method of a trait: it is its implementations that are called.
    pub const fn declared(mut self) -> Self {
        self.declared = true;
        self
    }

    /// Marks an operation whose calls may overlap any others: only regions expected to be atomic look at it.
    pub const fn thread_safe(mut self) -> Self {
        self.thread_safe = true;
        self
    }

    /// Where the method itself is written; the call site where no caller is known.
    pub const fn definition(&self) -> &'static Location<'static> {
        self.definition
    }

    pub(crate) fn contract(&self) -> &'static str {
        self.contract
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn access(&self) -> Access {
        self.access
    }

    pub(crate) fn role(&self) -> Option<&'static str> {
        self.role
    }

    #[inline]
    pub(crate) fn drops(&self) -> bool {
        self.drops
    }

    #[cfg_attr(loom, allow(dead_code, reason = "models use a part"))]
    pub(crate) fn is_thread_safe(&self) -> bool {
        self.thread_safe
    }

    #[cfg_attr(loom, allow(dead_code, reason = "models have no coverage"))]
    pub(crate) fn is_declared(&self) -> bool {
        self.declared
    }
}

/// Whether two operations on one object may not be in flight at once. `a_key` and `b_key` are hashes of their keys.
pub(crate) fn conflict(
    a: &Operation,
    a_key: Option<u64>,
    b: &Operation,
    b_key: Option<u64>,
) -> bool {
    (a.access.writes() || b.access.writes())
        && !a.thread_safe
        && !b.thread_safe
        && meet((a.role, a_key), (b.role, b_key))
}

/// Whether two accesses of one object, by role and key, can be of one part of it: an operation without key meets every key, one
/// without role every role.
pub(crate) fn meet(
    (a_role, a_key): (Option<&str>, Option<u64>),
    (b_role, b_key): (Option<&str>, Option<u64>),
) -> bool {
    let roles_meet = a_role.is_none() || b_role.is_none() || a_role == b_role;
    roles_meet && (a_key.is_none() || b_key.is_none() || a_key == b_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    static READ: Operation = Operation::new("c", "get", Access::Read, Location::caller());
    static WRITE: Operation = write();
    static UPDATE: Operation = Operation::new("c", "swap", Access::Update, Location::caller());

    const fn write() -> Operation {
        Operation::new("c", "insert", Access::Write, Location::caller())
    }

    #[test]
    fn reads_do_not_conflict_and_writes_do() {
        assert!(!conflict(&READ, None, &READ, None));
        assert!(conflict(&READ, None, &WRITE, None));
        assert!(conflict(&WRITE, None, &WRITE, None));
        assert!(conflict(&UPDATE, None, &READ, None));
    }

    #[test]
    fn thread_safe_operations_conflict_with_none() {
        let safe = write().thread_safe();
        assert!(!conflict(&safe, None, &safe, None));
        assert!(!conflict(&safe, None, &WRITE, None));
        assert!(!conflict(&READ, None, &safe, None));
    }

    #[test]
    fn keys_narrow_and_no_key_meets_all() {
        assert!(!conflict(&WRITE, Some(1), &WRITE, Some(2)));
        assert!(conflict(&WRITE, Some(1), &WRITE, Some(1)));
        assert!(conflict(&WRITE, Some(1), &READ, None));
    }

    #[test]
    fn roles_narrow_and_no_role_meets_all() {
        let producer = write().with_role("producer");
        let consumer = write().with_role("consumer");
        assert!(!conflict(&producer, None, &consumer, None));
        assert!(conflict(&producer, None, &producer, None));
        assert!(conflict(&producer, None, &READ, None));
    }
}
