# An image for Google Compute Engine with Muster on it, for servers and agents alike: what a machine is, it finds in its
# metadata when it starts (../gce/configure.mjs).
#
#   npm pack                                      in a checkout that is built: muster-muster-VERSION.tgz
#   packer build -var project=my-project -var muster=muster-muster-0.1.0.tgz deploy/packer

variable "project" {
  type        = string
  description = "Project that the image is made in."
}

variable "zone" {
  type    = string
  default = "europe-west3-a"
}

variable "muster" {
  type        = string
  default     = "muster.tgz"
  description = "What npm pack made."
}

# Debian 13 has Node 20; Muster needs 20.18 or newer.
source "googlecompute" "debian" {
  project_id          = var.project
  zone                = var.zone
  source_image_family = "debian-13"
  machine_type        = "e2-small"
  image_family        = "muster"
  image_name          = "muster-{{timestamp}}"
  image_description   = "Muster: registry, load balancer, groups"
  ssh_username        = "packer"
}

build {
  sources = ["source.googlecompute.debian"]

  provisioner "file" {
    source      = var.muster
    destination = "/tmp/muster.tgz"
  }

  provisioner "file" {
    source      = "${path.root}/../systemd/"
    destination = "/tmp"
  }

  provisioner "file" {
    source      = "${path.root}/../gce/"
    destination = "/tmp"
  }

  provisioner "shell" {
    inline = [
      "set -eu",
      "sudo apt-get update -q",
      # etcd keeps the catalog on servers; its own service stays off, Muster runs it.
      "sudo DEBIAN_FRONTEND=noninteractive apt-get install -qy nodejs npm etcd-server",
      "sudo systemctl disable --now etcd.service || true",
      "sudo npm install --global --no-audit --no-fund /tmp/muster.tgz",
      "sudo useradd --system --home-dir /var/lib/muster --shell /usr/sbin/nologin muster",
      "sudo install -d -m 755 /etc/muster /usr/local/lib/muster",
      "sudo install -m 644 /tmp/peers.mjs /tmp/configure.mjs /tmp/metadata.mjs /usr/local/lib/muster/",
      "sudo install -m 644 /tmp/muster.service /tmp/muster-rotation.service /etc/systemd/system/",
      "muster version",
    ]
  }
}
