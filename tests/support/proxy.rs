//! A proxy that opens tunnels by CONNECT (RFC 9110, 9.3.6), or refuses to.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A running proxy; it ends with the process.
pub struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Starts one that answers each request with this status; 200 opens the tunnel.
    pub fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let heads = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let heads = Arc::clone(&heads);
                thread::spawn(move || serve(client, status, &heads));
            }
        });
        Self { port, asked }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The head of each request so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, status: u16, heads: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let target = head.split(' ').nth(1)?.to_owned();
    heads.lock().unwrap().push(head);
    write!(client, "HTTP/1.1 {status} Spoken\r\nContent-Length: 0\r\n\r\n").ok()?;
    if status != 200 {
        return None;
    }
    let server = TcpStream::connect(target).ok()?;
    let (mut from_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = io::copy(&mut &server, &mut client);
    let _ = client.shutdown(Shutdown::Both);
    Some(())
}
