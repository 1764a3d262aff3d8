#[path = "../../../annotations/asynchronous.rs"]
mod asynchronous;
#[path = "../../../annotations/bodies.rs"]
mod bodies;
#[path = "../../../annotations/forms.rs"]
mod forms;
#[path = "../../../annotations/futures.rs"]
mod futures;
#[path = "../../../annotations/objects.rs"]
mod objects;
#[path = "../../../annotations/odd.rs"]
mod odd;
#[path = "../../../annotations/recorder.rs"]
mod recorder;
#[path = "../../../annotations/regions.rs"]
mod regions;
#[path = "../../../annotations/tasks.rs"]
mod tasks;
#[path = "../../../annotations/tests.rs"]
mod tests;
#[path = "../../../annotations/waiting.rs"]
mod waiting;
