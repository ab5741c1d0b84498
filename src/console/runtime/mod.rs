//! The world around the pure part: terminal, keys, network, clock.
//!
//! One thread draws and reads keys; the network runs on another. Keys come first, messages are taken in batches, the screen
//! is drawn only when something changed and at most 60 times a second.

mod editor;
mod effects;
mod files;
mod screen;
mod signals;

use std::io;
use std::time::Duration;

use crossterm::event::Event;
use crossterm::event::EventStream;
use crossterm::event::MouseButton;
use crossterm::event::MouseEventKind;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::runtime::Builder;
use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::channel;
use tokio::time::Instant;
use tokio::time::MissedTickBehavior;

use crate::client::Client;
use crate::client::Endpoint;
use crate::console::keys::key::Key;
use crate::console::look::text::Lang;
use crate::console::look::theme::ThemeName;
use crate::console::model::Model;
use crate::console::msg::Cmd;
use crate::console::msg::Msg;
use crate::console::plain;
use crate::console::runtime::effects::Effects;
use crate::console::runtime::screen::Screen;
use crate::console::runtime::signals::Signals;
use crate::console::runtime::signals::Told;
use crate::console::update::start;
use crate::console::update::update;

/// Messages on their way from the network; more hold the network back.
const MESSAGES_MAX: usize = 1024;
/// Messages taken before the keys are looked at again.
const BATCH_MAX: usize = 256;
/// Between two frames.
const FRAME_TIME: Duration = Duration::from_millis(16);

/// How the console shall run.
#[derive(Debug, Clone)]
pub struct Options {
    pub endpoint: Endpoint,
    pub lang: Lang,
    pub theme: ThemeName,
    /// Borders and bars in ASCII only.
    pub ascii: bool,
    /// Print instead of painting.
    pub plain: bool,
    /// Whether SIGTSTP stops the process: not where a server runs in it as well.
    pub may_pause: bool,
}

/// Why the console ended before its user wished it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsoleError {
    #[error("the terminal cannot be used")]
    Terminal(#[source] io::Error),
    #[error("the console cannot start its network thread")]
    Runtime(#[source] io::Error),
    #[error("{0}")]
    Server(String),
}

/// Runs the console until its user quits. Blocks; must not be called from async code.
///
/// # Errors
/// When the terminal cannot be used, or with `plain` when the server gives no answer.
pub fn run(options: Options) -> Result<(), ConsoleError> {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().map_err(ConsoleError::Runtime)?;
    let mut model = Model::new(options.lang, options.theme, TimeZone::system(), Timestamp::now());
    model.ascii = options.ascii;
    model.presence.session = session();
    let client = Client::new(options.endpoint);
    if options.plain {
        return runtime.block_on(plain::print(&client, options.lang));
    }
    // The theme has heeded `NO_COLOR`; one that was asked for by name must not be stripped of its colours after all.
    crossterm::style::force_color_output(true);
    // Before the terminal is taken: a signal between the two would leave it taken.
    let signals = runtime.block_on(async { Signals::install() }).map_err(ConsoleError::Runtime)?;
    let mut screen = Screen::open().map_err(ConsoleError::Terminal)?;
    let ended = runtime.block_on(serve(&mut model, &mut screen, client, signals, options.may_pause));
    drop(screen);
    // A request still waiting for an answer shall not hold the terminal.
    runtime.shutdown_background();
    ended.map_err(ConsoleError::Terminal)
}

/// Returns a word that tells this console from any other.
fn session() -> String {
    format!("{}-{:x}", std::process::id(), Timestamp::now().as_nanosecond())
}

async fn serve(
    model: &mut Model,
    screen: &mut Screen,
    client: Client,
    mut signals: Signals,
    may_pause: bool,
) -> io::Result<()> {
    let (sender, mut messages) = channel(MESSAGES_MAX);
    let mut effects = Effects::new(client, model.presence.session.clone(), sender);
    model.size = screen.size()?;
    let cmds = start(model);
    carry_out(cmds, &mut effects, screen)?;
    let mut events = EventStream::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut next_frame = Instant::now();
    while !model.must_quit {
        if let Some(text) = screen.take_edit() {
            // The reader of keys must be gone before the editor reads them.
            drop(events);
            screen.leave()?;
            let edited = tokio::task::spawn_blocking(move || editor::edit(&text)).await;
            screen.take_again()?;
            events = EventStream::new();
            let edited = edited.unwrap_or_else(|err| Err(err.to_string()));
            let cmds = update(model, Msg::Edited(edited));
            carry_out(cmds, &mut effects, screen)?;
            model.is_dirty = true;
        }
        if model.is_dirty && Instant::now() >= next_frame {
            fit(model, &mut effects, screen)?;
            screen.draw(model)?;
            model.is_dirty = false;
            next_frame = Instant::now() + FRAME_TIME;
        }
        tokio::select! {
            biased;
            told = signals.next() => {
                match told {
                    Told::End => return Ok(()),
                    Told::Pause if may_pause => screen.pause()?,
                    Told::Pause => {}
                    Told::Resume => screen.take_again()?,
                }
                model.is_dirty = true;
            }
            event = events.next() => match event {
                Some(event) => {
                    // A key is answered with the next frame at once.
                    next_frame = next_frame.min(Instant::now());
                    handle(model, &event?, &mut effects, screen)?;
                }
                // The terminal is gone.
                None => return Ok(()),
            },
            () = tokio::time::sleep_until(next_frame), if model.is_dirty => {}
            _ = ticks.tick() => {
                let mut cmds = update(model, Msg::Tick(Timestamp::now()));
                if let Some(trouble) = Screen::trouble() {
                    cmds.extend(update(model, Msg::Trouble(trouble)));
                }
                carry_out(cmds, &mut effects, screen)?;
            }
            message = messages.recv() => {
                let Some(message) = message else { return Ok(()) };
                take(model, message, &mut messages, &mut effects, screen)?;
            }
        }
    }
    Ok(())
}

/// Sees to it that what is drawn has the terminal's size: a change that came together with a key is not always told.
fn fit(model: &mut Model, effects: &mut Effects, screen: &mut Screen) -> io::Result<()> {
    let (width, height) = screen.size()?;
    if (width, height) == model.size {
        return Ok(());
    }
    let cmds = update(model, Msg::Resize(width, height));
    carry_out(cmds, effects, screen)
}

/// Takes a message and those that already wait behind it, up to a bound.
fn take(
    model: &mut Model,
    first: Msg,
    messages: &mut Receiver<Msg>,
    effects: &mut Effects,
    screen: &mut Screen,
) -> io::Result<()> {
    let mut next = Some(first);
    for _ in 0..BATCH_MAX {
        let Some(message) = next else { break };
        let cmds = update(model, message);
        carry_out(cmds, effects, screen)?;
        next = messages.try_recv().ok();
    }
    if let Some(message) = next {
        let cmds = update(model, message);
        carry_out(cmds, effects, screen)?;
    }
    Ok(())
}

fn handle(model: &mut Model, event: &Event, effects: &mut Effects, screen: &mut Screen) -> io::Result<()> {
    let message = match event {
        Event::Key(key) => Key::from_event(key).map(Msg::Key),
        Event::Paste(text) => Some(Msg::Paste(text.clone())),
        Event::Resize(width, height) => {
            // Made smaller and as large again between two frames, a terminal has lost what stood beyond.
            screen.forget()?;
            Some(Msg::Resize(*width, *height))
        }
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::Down(MouseButton::Left) => Some(Msg::Click(mouse.column, mouse.row)),
            MouseEventKind::ScrollUp => Some(Msg::Wheel(-3)),
            MouseEventKind::ScrollDown => Some(Msg::Wheel(3)),
            _ => None,
        },
        Event::FocusGained | Event::FocusLost => None,
    };
    match message {
        Some(message) => {
            let cmds = update(model, message);
            carry_out(cmds, effects, screen)
        }
        None => Ok(()),
    }
}

fn carry_out(cmds: Vec<Cmd>, effects: &mut Effects, screen: &mut Screen) -> io::Result<()> {
    for cmd in cmds {
        match cmd {
            Cmd::Ask { slot, generation, request } => effects.ask(slot, generation, request),
            Cmd::Follow { generation, revision, after } => effects.follow(generation, revision, after),
            Cmd::Tail { generation, request } => effects.tail(generation, request),
            Cmd::Edit(text) => screen.wish_edit(text),
            Cmd::Wake { after, revision } => effects.wake(after, revision),
            Cmd::Backtest { generation, request } => effects.backtest(generation, request),
            Cmd::GiveUp(slot) => effects.give_up(slot),
            Cmd::Copy(text) => screen.copy(&text)?,
            Cmd::Notify(text) => screen.notify(&text)?,
        }
    }
    Ok(())
}
