//! What is done with files: a line `step VERB REMOTE LOCAL OFFSET TO` each, the paths in hexadecimal; and a line
//! `came: "word"` for what came of it, or `came: ["name", …]`.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Duration;

use suppaftp::types::FileType;
use suppaftp::{ImplFtpStream, TlsStream};

use crate::text;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Step<'a> {
    verb: &'a str,
    remote: String,
    local: String,
    offset: u64,
    to: String,
}

impl<'a> Step<'a> {
    fn parse(line: &'a str) -> Outcome<Self> {
        let mut words = line.split(' ');
        let mut word = || words.next().ok_or("a word is missing");
        Ok(Self {
            verb: word()?,
            remote: text(word()?)?,
            local: text(word()?)?,
            offset: word()?.parse()?,
            to: text(word()?)?,
        })
    }
}

/// Does all steps, one after the other.
pub fn work<T: TlsStream>(ftp: &mut ImplFtpStream<T>, lines: &[String]) -> Outcome<()> {
    ftp.transfer_type(FileType::Binary)?;
    for line in lines {
        let came = Step::parse(line).and_then(|step| take(ftp, &step));
        println!(
            "came: {}",
            came.unwrap_or_else(|error| format!("{:?}", error.to_string()))
        );
    }
    Ok(())
}

fn take<T: TlsStream>(ftp: &mut ImplFtpStream<T>, step: &Step<'_>) -> Outcome<String> {
    let remote = step.remote.as_str();
    if step.offset > 0 {
        ftp.resume_transfer(step.offset.try_into()?)?;
    }
    match step.verb {
        "list" => return Ok(format!("{:?}", ftp.nlst(Some(remote))?)),
        "get" | "get-rest" => get(ftp, step)?,
        "put" | "put-rest" => drop(ftp.put_file(remote, &mut rest(step)?)?),
        "append" => drop(ftp.append_file(remote, &mut rest(step)?)?),
        "rename" => ftp.rename(remote, &step.to)?,
        "delete" => ftp.rm(remote)?,
        "mkdir" => ftp.mkdir(remote)?,
        "rmdir" => ftp.rmdir(remote)?,
        "cut-get" => {
            let mut stream = ftp.retr_as_stream(remote)?;
            stream.read_exact(&mut [0; 100_000])?;
            ftp.abort(stream)?;
        }
        _ => {
            let mut stream = ftp.put_with_stream(remote)?;
            stream.write_all(&vec![0; 1 << 20])?;
            stream.flush()?;
            std::thread::sleep(Duration::from_secs(3600));
        }
    }
    Ok("\"ok\"".to_owned())
}

fn get<T: TlsStream>(ftp: &mut ImplFtpStream<T>, step: &Step<'_>) -> Outcome<()> {
    let mut file = match step.offset {
        0 => File::create(&step.local)?,
        _ => OpenOptions::new().append(true).open(&step.local)?,
    };
    let mut stream = ftp.retr_as_stream(&step.remote)?;
    io::copy(&mut stream, &mut file)?;
    stream.finish()?;
    Ok(())
}

fn rest(step: &Step<'_>) -> Outcome<File> {
    let mut file = File::open(&step.local)?;
    file.seek(SeekFrom::Start(step.offset))?;
    Ok(file)
}
