//! `edgeward._edge`: the edge as a Python class. Converts, calls, converts back; decides nothing.
//!
//! The GIL is released around every call that takes a lock or waits. No Python runs on the request path.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

use edgeward_proxy::{Edge as RunningEdge, StartError, receive_sockets};
use pyo3::create_exception;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

create_exception!(_edge, PlanRejected, PyValueError, "The edge does not take this plan; what it had goes on serving.");

/// An edge. Settings are checked when it is made, listeners open with `start`.
#[pyclass(frozen)]
struct Edge {
    settings: Vec<u8>,
    running: parking_lot::RwLock<Option<RunningEdge>>,
    /// Where an earlier process sends its sockets.
    expected: parking_lot::Mutex<Option<UnixListener>>,
}

#[pymethods]
impl Edge {
    #[new]
    fn new(settings: Vec<u8>) -> PyResult<Edge> {
        RunningEdge::check(&settings).map_err(|error| start_error(&error))?;
        Ok(Edge { settings, running: parking_lot::RwLock::new(None), expected: parking_lot::Mutex::new(None) })
    }

    /// Listens at the Unix socket `path` for the sockets of an earlier process, which `open` then goes on with.
    fn expect_sockets(&self, path: PathBuf) -> PyResult<()> {
        *self.expected.lock() = Some(UnixListener::bind(path)?);
        Ok(())
    }

    /// Opens the listeners, or goes on with those that were sent, and returns their addresses.
    fn open(&self, py: Python<'_>) -> PyResult<HashMap<&'static str, Vec<String>>> {
        py.detach(|| {
            let mut running = self.running.write();
            if running.is_some() {
                return Err(PyRuntimeError::new_err("the edge is running; stop it before starting it again"));
            }
            let inherited =
                self.expected.lock().take().map(|from| receive_sockets(&from)).transpose()?.unwrap_or_default();
            let edge = RunningEdge::open(&self.settings, inherited).map_err(|error| start_error(&error))?;
            let addresses = edge.addresses();
            *running = Some(edge);
            let text = |addresses: &[SocketAddr]| addresses.iter().map(SocketAddr::to_string).collect();
            Ok(HashMap::from([("http", text(&addresses.http)), ("https", text(&addresses.https))]))
        })
    }

    /// Begins to serve.
    fn serve(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, RunningEdge::serve)
    }

    /// Sends all sockets to the process that listens at `path`, and leaves the disk tier to it.
    fn hand_over(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        Ok(self.with(py, |edge| edge.hand_over(&path))??)
    }

    /// Leaves the packets of QUIC to the process that takes over.
    fn release(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, RunningEdge::release)
    }

    /// Goes on as before `hand_over`.
    fn take_back(&self, py: Python<'_>) -> PyResult<()> {
        Ok(self.with(py, RunningEdge::take_back)??)
    }

    /// Has viewers go on elsewhere; whether all were gone within `patience_seconds`.
    fn leave(&self, py: Python<'_>, patience_seconds: f64) -> PyResult<bool> {
        let patience = Duration::try_from_secs_f64(patience_seconds)
            .map_err(|error| PyValueError::new_err(format!("patience_seconds: {error}")))?;
        self.with(py, |edge| edge.leave(patience))
    }

    /// Makes a plan live; returns its sequence.
    fn load_plan(&self, py: Python<'_>, update: &[u8]) -> PyResult<u64> {
        self.with(py, |edge| edge.load_plan(update))?.map_err(|rejected| PlanRejected::new_err(rejected.to_string()))
    }

    /// Reads the files about addresses again.
    fn reload_geo(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, RunningEdge::reload_geo)?.map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Invalidates; returns the order's sequence.
    fn invalidate(&self, py: Python<'_>, order: &[u8]) -> PyResult<u64> {
        self.with(py, |edge| edge.invalidate(order))?.map_err(|rejected| PlanRejected::new_err(rejected.to_string()))
    }

    /// Moves a manual clock.
    fn advance_clock(&self, py: Python<'_>, milliseconds: u64) -> PyResult<()> {
        match self.with(py, |edge| edge.advance_clock(Duration::from_millis(milliseconds)))? {
            true => Ok(()),
            false => Err(PyRuntimeError::new_err("this edge runs on the system's clock; set \"clock\" to manual")),
        }
    }

    /// Finishes the current log segments.
    fn flush_logs(&self, py: Python<'_>) -> PyResult<()> {
        self.with(py, RunningEdge::flush_logs)
    }

    /// Waits until what is arriving is stored, and on the disk; whether that took no longer than `patience_seconds`.
    fn flush_cache(&self, py: Python<'_>, patience_seconds: f64) -> PyResult<bool> {
        let patience = Duration::try_from_secs_f64(patience_seconds)
            .map_err(|error| PyValueError::new_err(format!("patience_seconds: {error}")))?;
        self.with(py, |edge| edge.flush_cache(patience))
    }

    /// A page of what is stored; question and answer are JSON.
    fn list_stored<'py>(&self, py: Python<'py>, question: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let answer = self.with(py, |edge| edge.list_stored(question))?;
        answer.map(|json| PyBytes::new(py, &json)).map_err(|error| PyValueError::new_err(error.to_string()))
    }

    /// Figures of the moment.
    fn status(&self, py: Python<'_>) -> PyResult<HashMap<&'static str, u64>> {
        let status = self.with(py, RunningEdge::status)?;
        let mut figures = HashMap::from([
            ("plan_sequence", status.plan_sequence),
            ("stored_responses", status.stored_responses),
            ("stored_bytes", status.stored_bytes),
            ("disk_responses", status.disk_responses),
            ("disk_chunks", status.disk_chunks),
            ("disk_bytes", status.disk_bytes),
            ("disk_records_dropped", status.disk_records_dropped),
            ("disk_errors", status.disk_errors),
            ("disk_corrupt", status.disk_corrupt),
            ("requests", status.requests),
            ("explain_tokens_refused", status.explain_tokens_refused),
            ("viewers_refused_slow_content", status.slow_contents),
            ("connections", status.connections),
            ("strangers", status.strangers),
            ("log_records_dropped", status.log_records_dropped),
            ("log_errors", status.log_errors),
            ("certificates_revoked", status.certificates_revoked),
            ("certificates_stapled", status.certificates_stapled),
            ("ticket_secrets_refused", status.ticket_secrets_refused),
        ]);
        figures.extend(status.viewers_refused);
        Ok(figures)
    }

    /// Stops; responses under way get `grace_seconds` to end. An edge that does not run stays so.
    fn stop(&self, py: Python<'_>, grace_seconds: f64) -> PyResult<()> {
        let grace = Duration::try_from_secs_f64(grace_seconds)
            .map_err(|error| PyValueError::new_err(format!("grace_seconds: {error}")))?;
        py.detach(|| {
            if let Some(edge) = self.running.write().take() {
                edge.stop(grace);
            }
        });
        Ok(())
    }
}

impl Edge {
    fn with<R: Send>(&self, py: Python<'_>, call: impl FnOnce(&RunningEdge) -> R + Send) -> PyResult<R> {
        py.detach(|| match &*self.running.read() {
            Some(edge) => Ok(call(edge)),
            None => Err(PyRuntimeError::new_err("the edge does not run; call start first")),
        })
    }
}

fn start_error(error: &StartError) -> PyErr {
    match error {
        StartError::Io(_) => PyOSError::new_err(error.to_string()),
        _ => PyValueError::new_err(error.to_string()),
    }
}

/// The engine of an edge.
#[pymodule]
fn _edge(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Edge>()?;
    module.add("PlanRejected", module.py().get_type::<PlanRejected>())?;
    Ok(())
}
